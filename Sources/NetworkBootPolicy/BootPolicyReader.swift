// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol
public import StrictTOML

/// Reads a policy: text in, values and every diagnostic out; no file, clock or network.
public enum BootPolicyReader {
  /// Reads and checks a policy as it lies in the file.
  /// - Parameters:
  ///   - bytes: the text.
  ///   - file: how diagnostics name it.
  ///   - images: the images of the set, or nil where that is not known: then no name of an image is wrong.
  /// - Returns: the policy, or nil where there is an error; and all errors and warnings in the order of the text.
  public static func read(
    bytes: [UInt8], file: String, images: [String]?
  ) -> (policy: BootPolicy?, diagnostics: [Diagnostic]) {
    let (tree, sink) = BootPolicySchema.format.read(bytes, file: file)
    guard let root = tree else { return (nil, sink.sorted) }
    var draft = PolicyDraft(sink: sink, images: images)
    let policy = draft.policy(root)
    return (draft.sink.hasErrors ? nil : policy, draft.sink.sorted)
  }
}

extension Diagnostic.Code {
  /// The set has no image of that name.
  public static let imageNotInSet = Self(rawValue: "image-not-in-set")
  /// An entry that says of nobody, or of everybody, what it says.
  public static let noCondition = Self(rawValue: "no-condition")
  /// Two entries about one machine.
  public static let duplicateMachine = Self(rawValue: "duplicate-machine")
  /// An entry that an earlier one leaves nothing to (warning).
  public static let neverReached = Self(rawValue: "never-reached")
}

/// Reads what is of the right kind, which the checker has seen to, and reports what only the meaning shows.
private struct PolicyDraft {
  var sink: DiagnosticSink
  let images: [String]?

  mutating func policy(_ root: TOMLNode) -> BootPolicy {
    var policy = BootPolicy()
    policy.answer = root["answer"]?.string.flatMap { PolicyRule.Policy(rawValue: $0) } ?? policy.answer
    policy.delay = Self.delay(root)
    policy.image = image(root)
    policy.shadow = root["shadow"]?.string.flatMap { ServerView.Shadow(rawValue: $0) }
    policy.naming = root["naming"]?.string.flatMap { UEFINamingWord(rawValue: $0)?.value } ?? policy.naming
    policy.marksOffers = root["mark-offers"]?.boolean ?? policy.marksOffers
    policy.yields = root["yield"]?.boolean ?? policy.yields
    policy.adminGroup = root["admin-group"]?.string
    policy.places = places(root["place"]?.items ?? [])
    policy.machines = machines(root["machine"]?.items ?? [])
    policy.assignments = (root["assign"]?.items ?? []).compactMap { assignment($0) }
    return policy
  }

  private static func delay(_ node: TOMLNode) -> Duration { .seconds(node["delay"]?.integer ?? 0) }

  private mutating func image(_ node: TOMLNode) -> String? {
    guard let name = node["image"]?.located else { return nil }
    guard let images, !images.contains(name.value) else { return name.value }
    // What is no name at all has been reported.
    guard !sink.hasError(at: name.position) else { return nil }
    sink.error(
      .imageNotInSet, at: name.position, "the set has no image \(Printable.quoted(name.value))",
      remedy: NearestWord.of(name.value, in: images).map { "Write \"\($0)\" instead." }
        ?? "Choose one of: \(images.sorted().joined(separator: ", ")); or publish that image first.")
    return nil
  }

  private mutating func places(_ nodes: [TOMLNode]) -> [PolicyRule] {
    var rules: [PolicyRule] = []
    var lines: [Place: Int] = [:]
    for node in nodes {
      guard let place = place(node) else { continue }
      if node["interface"] == nil, node["subnet"] == nil, node["relay"] == nil {
        sink.error(
          .noCondition, at: node.position, "[[place]] says no place",
          remedy: "Add interface, subnet or relay; for all places write answer at the top of the file.")
      } else if let first = lines[place] {
        sink.warning(
          .neverReached, at: node.position, "the [[place]] on line \(first) is the same place, and counts",
          remedy: "Remove one of the two.")
      }
      lines[place] = lines[place] ?? node.position.line
      let answer = node["answer"]?.string.flatMap { PolicyRule.Policy(rawValue: $0) } ?? .none
      rules.append(PolicyRule(answer, at: place, delay: Self.delay(node)))
    }
    return rules
  }

  /// Where an entry holds; nil where that is wrong.
  private mutating func place(_ node: TOMLNode) -> Place? {
    var place = Place(
      interface: node["interface"]?.string, relay: node["relay"]?.string.flatMap { IPv4Address($0) })
    guard let text = node["subnet"]?.located else { return place }
    place.subnet = IPv4Subnet(text.value)
    let parts = text.value.split(separator: "/")
    guard place.subnet == nil, parts.count == 2 else { return place }
    if let address = IPv4Address(parts[0]), let length = Int(parts[1]),
      let meant = IPv4Subnet(address, prefixLength: length)
    {
      sink.error(
        .badValue, at: text.position, "subnet \(Printable.quoted(text.value)) is an address inside of \(meant)",
        remedy: "Write \"\(meant)\" instead.")
    }
    return nil
  }

  private mutating func match(_ node: TOMLNode) -> MachineMatch {
    let hardware = node["mac"]?.located.flatMap { text -> HardwareAddress? in
      guard let address = HardwareAddress(text.value) else { return nil }
      if !address.isEthernetUnicast {
        sink.error(
          .badValue, at: text.position, "no network card has the address \(address)",
          remedy: "Write the address that the card has; ip link shows it.")
      }
      return address
    }
    return MachineMatch(hardware: hardware, machine: node["uuid"]?.string.flatMap { MachineUUID($0) })
  }

  private mutating func machines(_ nodes: [TOMLNode]) -> [BootPolicy.Machine] {
    var machines: [BootPolicy.Machine] = []
    var lines: [MachineMatch: Int] = [:]
    for node in nodes {
      let match = match(node)
      if node["mac"] == nil, node["uuid"] == nil {
        sink.error(
          .noCondition, at: node.position, "[[machine]] says no machine", remedy: "Add mac, uuid or both.")
      } else if let first = lines[match] {
        sink.error(
          .duplicateMachine, at: node.position, "the [[machine]] on line \(first) is the same machine",
          remedy: "Remove one of the two.")
      }
      lines[match] = lines[match] ?? node.position.line
      let standing = node["standing"]?.string.flatMap { KnownMachine.Standing(rawValue: $0) } ?? .known
      machines.append(
        BootPolicy.Machine(name: node["name"]?.string, KnownMachine(match, standing, image: image(node))))
    }
    return machines
  }

  private mutating func assignment(_ node: TOMLNode) -> ImageAssignment? {
    let match = match(node)
    let place = place(node)
    let words = node["clients"]?.strings.compactMap { ClientWord.all[$0.value] }
    if node.entries.allSatisfy({ $0.key == "image" }) {
      sink.error(
        .noCondition, at: node.position, "this [[assign]] names no computers",
        remedy: "Add mac, uuid, interface, subnet, relay or clients; for all others write image at the top of the file."
      )
    }
    guard let image = image(node), let place else { return nil }
    return ImageAssignment(
      image, to: match == MachineMatch() ? nil : match, at: place,
      kinds: words.map { $0.reduce(into: []) { $0.formUnion($1) } })
  }
}
