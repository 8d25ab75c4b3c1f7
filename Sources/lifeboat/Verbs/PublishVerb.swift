// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import BootSite
import HostSystem
import SystemPackage

/// `lifeboat publish`.
struct PublishVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "publish",
    abstract: "Publish built media for computers that start from the network.",
    discussion: """
      Verifies each medium, then stores what a start from the network needs, each content once. The images become a \
      new set, which replaces the current one at a stroke; images of the current set that you did not name stay. The \
      last sets are kept for --rollback. Media must be signed with the site's key, and so is each set; --unsigned does \
      without.

      Computers that run "lifeboat install --follow" need something else: a release.json beside an ISO file, which \
      "lifeboat package --release" makes.

        lifeboat publish output --site /srv/lifeboat --sign site-key --server http://192.0.2.10
        lifeboat publish output/tier2-x64.iso --site /srv/lifeboat --sign site-key
        lifeboat publish --site /srv/lifeboat --list
        lifeboat publish --site /srv/lifeboat --rollback
        lifeboat publish --site /srv/lifeboat --retire tier2 --sign site-key
      """)

  static let stateAfterInterruption =
    "Either the old set or the new one is current, and whole; lifeboat publish --list says which."

  @Argument(help: "ISO files, or folders that hold them.", completion: .file(extensions: ["iso"]))
  var media: [String] = []

  @Option(help: ArgumentHelp("The site's folder.", valueName: "folder"), completion: .directory) var site: String

  @Option(
    help: ArgumentHelp("Sign with this OpenSSH Ed25519 key; media must be signed with it too.", valueName: "key"),
    completion: .file())
  var sign: String?
  @Flag(help: "Publish without a signature: whoever can write to the site decides what is started.")
  var unsigned = false

  @Option(
    help: ArgumentHelp(
      "Where computers find the site; repeat it for several, in the order to try them. Without it: as in the current set.",
      valueName: "url"))
  var server: [String] = []
  @Option(help: ArgumentHelp("Publish only media of this image.", valueName: "name")) var image: String?
  @Option(help: ArgumentHelp("How many sets to keep.", valueName: "number")) var keep = 3

  @Flag(help: "Only show the existing sets.") var list = false
  @Flag(help: "Go back to the previous set.") var rollback = false
  @Option(help: ArgumentHelp("Make a set without this image.", valueName: "image")) var retire: String?

  @Flag(help: "One JSON document on standard output.") var json = false

  func validate() throws {
    let actions = [list, rollback, retire != nil].filter { $0 }.count
    guard actions <= 1 else { throw ValidationError("Choose one of --list, --rollback and --retire.") }
    guard actions == 0 || (media.isEmpty && server.isEmpty && image == nil) else {
      throw ValidationError("--list, --rollback and --retire take no media, --server or --image.")
    }
    guard actions == 1 || !media.isEmpty else { throw ValidationError("Name media to publish, or give --list.") }
    guard !(unsigned && sign != nil) else { throw ValidationError("Choose one of --sign and --unsigned.") }
    guard keep >= 1 else { throw ValidationError("Keep at least one set.") }
  }

  func run(on console: Console) async throws -> ExitStatus {
    let site = Site(at: FilePath(site))
    if list { return try await show(site, console) }
    if rollback {
      let set = try await site.rollBack()
      return try say(SiteListing.Entry(set, isCurrent: true), console)
    }
    let signing = try signing()
    let done: Site.Publication
    if let retire {
      done = try await site.retire(retire, as: signing, keep: keep)
    } else {
      let media = media.map { FilePath($0) }
      done = try await console.withProgress {
        try await site.publish(media, image: image, as: signing, servers: server, keep: keep, progress: $0)
      }
    }
    if json {
      try console.printJSON(done)
    } else {
      for line in PublicationText(done).lines { console.print(line) }
      if done.index.images.count > 1 {
        console.note(
          """
          lifeboat: note: the set has \(done.index.images.count) images, and "lifeboat serve" starts again only if one is \
          chosen: say --image \(done.index.images[0].name), or image = "\(done.index.images[0].name)" in its policy
          """)
      }
      for lost in done.lost { console.note("lifeboat: note: \(lost) is no longer published") }
      for image in done.index.images where !image.hasPXELoaders {
        console.note(
          """
          lifeboat: note: \(image.name) starts by UEFI HTTP boot and by iPXE, but not by PXE (BIOS, x64 and IA32 UEFI): its \
          media are an older Lifeboat's; build and publish them again
          """)
      }
    }
    return .success
  }

  private func signing() throws(Site.Failure) -> Site.Signing {
    if let sign { return .key(FilePath(sign)) }
    guard unsigned else { throw .signatureUndecided }
    return .unsigned
  }

  private func show(_ site: Site, _ console: Console) async throws -> ExitStatus {
    let current = try await site.current()
    var sets: [SiteListing.Entry] = []
    for number in site.numbers {
      sets.append(.init(try await site.set(number), isCurrent: number == current.index.number))
    }
    if json { try console.printJSON(SiteListing(sets: sets)) } else { sets.forEach { console.print($0.text) } }
    return .success
  }

  private func say(_ entry: SiteListing.Entry, _ console: Console) throws -> ExitStatus {
    if json { try console.printJSON(entry) } else { console.print(entry.text) }
    return .success
  }
}

/// The sets of a site.
struct SiteListing: Encodable {
  /// One set.
  struct Entry: Encodable {
    var isCurrent: Bool
    var signedBy: String?
    var index: SetIndex

    init(_ set: Site.OpenedSet, isCurrent: Bool) {
      (self.isCurrent, signedBy, index) = (isCurrent, set.signedBy, set.index)
    }

    var text: String {
      let bytes = Dictionary(index.objects.map { ($0.digest, $0.size) }) { first, _ in first }.values.reduce(.zero, +)
      let head = "set \(index.number)\(isCurrent ? " (current)" : "")"
      let signature = signedBy.map { "signed by \($0)" } ?? "NOT SIGNED"
      return
        ([
          "\(head): \(index.objects.count.counted("object")), \(bytes), \(signature)",
          "  servers \(index.servers.joined(separator: " "))",
        ] + PublicationText.rows(index).map { "  " + $0 }).joined(separator: "\n")
    }
  }

  var sets: [Entry]
}

/// What publishing has done, for people.
struct PublicationText {
  var lines: [String]

  init(_ done: Site.Publication) {
    lines = Self.rows(done.index)
    let state = done.isNew ? "is current, \(done.added) stored" : "already holds all of this"
    lines.append("set \(done.number) \(state); servers \(done.index.servers.joined(separator: " "))")
    if !done.removedSets.isEmpty {
      lines.append("removed: set \(done.removedSets.map(String.init).joined(separator: ", "))")
    }
  }

  /// A line for each system: image, architecture, identifier, bytes that a start fetches.
  static func rows(_ index: SetIndex) -> [String] {
    let sizes = Dictionary(index.objects.map { ($0.name, $0.size) }) { first, _ in first }
    let rows = index.images.flatMap { image in
      image.media.sorted { $0.key < $1.key }.map { architecture, medium in
        let layers = medium.layers.reduce(ByteCount.zero) { $0 + (sizes[$1] ?? .zero) }
        let disk = image.entries["uefi-http"].flatMap { sizes[$0] } ?? .zero
        return [
          image.name, architecture, medium.release, medium.identifier, "layers \(layers)", "start disk \(disk)",
          image.title,
        ]
      }
    }
    return Columns.text(rows).split(separator: "\n").map(String.init)
  }
}
