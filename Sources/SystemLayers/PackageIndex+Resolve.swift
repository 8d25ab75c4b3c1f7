// SPDX-License-Identifier: GPL-3.0-or-later
internal import FoundationEssentials
internal import HostSystem
internal import RecoveryManifest
internal import RecoveryPlan
internal import Synchronization
internal import SystemPackage

extension PackageIndex {
  /// Asks apt which packages each layer of a stack adds. Each answer is remembered for as long as the archive's
  /// state stays the same, so that a change in one layer asks again from there on.
  /// - Parameter essential: whether the first layer is a whole system, which holds Debian's essential packages and all
  ///   that is depended on; loaders are unpacked, not installed, and are wanted alone.
  /// - Throws: `SystemLayersFailure.unknownPackages`, `.unsatisfiable`, `.nothingOffline`, `.apt`.
  func resolve(_ stack: LayerStack, essential: Bool) async throws -> ResolvedStack {
    guard hasLists, let state else {
      throw SystemLayersFailure.nothingOffline(release: release, architecture: architecture.debian)
    }
    var question = "2\n\(state.hex)\n\(essential)"
    var layers: [[ResolvedPackage]] = []
    for request in stack.requests {
      question += "\n" + request.joined(separator: " ")
      layers.append(
        try await remembered(question) {
          let below = layers.flatMap(\.self)
          let named = request.map(exactName)
          guard essential else { return try await closure(named).filter { request.contains($0.name) } }
          let pinned = below.isEmpty ? ["?essential", "apt"] : below.map { "\($0.name)=\($0.version)" }
          let held = Set(below)
          return try await closure(pinned + named).filter { !held.contains($0) }
        })
    }
    return ResolvedStack(layers: layers)
  }

  /// The answer to a question, asked again only if no answer to it is known.
  private func remembered(_ question: String, _ ask: () async throws -> [ResolvedPackage]) async throws
    -> [ResolvedPackage]
  {
    let memory = folder.appending("resolved").appending(Digest(of: question).hex + ".json")
    if let known = try? JSONDecoder().decode([ResolvedPackage].self, from: Data(FileTree.bytes(of: memory))) {
      return known
    }
    let answer = try await ask().sorted()
    try FileTree.makeFolder(folder.appending("resolved"))
    try AtomicFile.write(Array(JSONEncoder().encode(answer)), to: memory)
    return answer
  }

  /// A name as apt takes it for nothing else: `name-` would remove `name`, and `name+` install it.
  private func exactName(_ name: String) -> String { "\(name):\(architecture.debian)" }

  /// Everything that apt would install for these names on an empty system.
  ///
  /// `--print-uris` passes over what the pool already holds, so it is given an empty pool.
  private func closure(_ names: [String]) async throws -> [ResolvedPackage] {
    let empty = folder.appending("no-archives")
    try FileTree.makeFolder(empty.appending("partial"))
    let question = ["install", "-q", "-y", "--print-uris", "-o", "Dir::Cache::archives=\(empty)"]
    // What stands in the way of an installation apt says on standard output, and with -qq not at all.
    let said = Mutex<[String]>([])
    do {
      try await aptGet(question + names).run { line in said.withLock { $0.append(line) } }
      return try said.withLock { $0 }.filter { $0.hasPrefix("'") }.map { try Self.package(Substring($0)) }
    } catch ExternalCommand.Failure.failed(_, _, let lines) {
      throw refusal(lines)
    }
  }

  /// One line of `--print-uris`: `'URI' FILE SIZE SHA256:DIGEST`. Epochs' colons are `%3a` in the file's name.
  static func package(_ line: Substring) throws -> ResolvedPackage {
    // The path of a local archive may have spaces.
    let words = (line.ranges(of: "' ").last.map { line[$0.upperBound...] } ?? "").split(separator: " ")
    guard words.count == 3, let size = Int64(words[1]), words[2].hasPrefix("SHA256:"),
      let digest = Digest(hex: words[2].dropFirst(7))
    else { throw SystemLayersFailure.apt(lastLines: [String(line)]) }
    let parts = words[0].split(separator: "_")
    guard parts.count == 3 else { throw SystemLayersFailure.apt(lastLines: [String(line)]) }
    return ResolvedPackage(
      name: String(parts[0]), version: String(parts[1].replacing("%3a", with: ":")), file: String(words[0]),
      size: ByteCount(size), sha256: digest)
  }

  private func refusal(_ lines: [String]) -> SystemLayersFailure {
    let unknown = lines.compactMap { line -> String? in
      if let range = line.firstRange(of: "Unable to locate package ") { return String(line[range.upperBound...]) }
      guard line.hasPrefix("E: Package '"), line.contains("has no installation candidate") else { return nil }
      return String(line.dropFirst(12).prefix { $0 != "'" })
    }
    if !unknown.isEmpty {
      let names = unknown.map { name in
        String(name.hasSuffix(exactName("")) ? name.dropLast(exactName("").count) : Substring(name))
      }
      return .unknownPackages(names, release: release, architecture: architecture.debian)
    }
    let conflict = lines.filter { $0.contains("Depends:") || $0.contains("Conflicts:") || $0.contains("Breaks:") }
    if let first = conflict.first { return .unsatisfiable(detail: first.trimmingSpaces) }
    return .apt(lastLines: lines)
  }

  /// Fetches packages that the pool does not hold yet, or holds damaged, and checks every one against its digest.
  /// - Throws: `SystemLayersFailure.packagesOffline`, `.noNetwork`, `.damagedDownload`, `.apt`.
  func download(
    _ packages: [ResolvedPackage], offline: Bool, progress: @escaping @Sendable (ByteCount) -> Void
  ) async throws {
    let total = packages.reduce(ByteCount.zero) { $0 + $1.size }
    let missing = packages.filter { !holds($0) }
    guard missing.isEmpty || !offline else {
      throw SystemLayersFailure.packagesOffline(missing.map(\.file).sorted())
    }
    if !missing.isEmpty {
      let bytes = missing.reduce(ByteCount.zero) { $0 + $1.size }
      let held = total.bytes - bytes.bytes
      // apt does not look again at what is there under the right name.
      for package in missing { FileTree.remove(pool.appending(package.file)) }
      try await fetch(missing) { progress(ByteCount(held + Int64(Double(bytes.bytes) * $0))) }
    }
    for package in missing where !holds(package) {
      FileTree.remove(pool.appending(package.file))
      throw SystemLayersFailure.damagedDownload(file: package.file)
    }
    progress(total)
  }

  private func holds(_ package: ResolvedPackage) -> Bool {
    let file = pool.appending(package.file)
    return FileTree.status(of: file)?.size == package.size.bytes && (try? Digest(ofFile: file)) == package.sha256
  }

  /// - Parameter progress: told the fraction that is done.
  private func fetch(_ packages: [ResolvedPackage], progress: @escaping @Sendable (Double) -> Void) async throws {
    let wanted = packages.map { "\($0.name)=\($0.version)" }
    var command = aptGet(["download", "-qq", "-o", "APT::Status-Fd=1"] + wanted)
    // apt-get download writes to the working folder.
    command.arguments = ["-C", pool.string, command.program] + command.arguments
    command.program = "env"
    do {
      try await command.run { line in
        // dlstatus:PACKAGES:PERCENT:TEXT
        let fields = line.split(separator: ":")
        guard fields.count > 2, fields[0] == "dlstatus", let percent = Double(fields[2]) else { return }
        progress(percent / 100)
      }
    } catch ExternalCommand.Failure.failed(_, _, let lines) {
      let failure = AptTrouble(lines: lines, sources: sources).failure(architecture)
      // The indexes are the signed ones by now; what differs from them is a package.
      guard case .indexMismatch(_, _, let detail) = failure else { throw failure }
      let file = detail.split(separator: " ").first { $0.hasSuffix(".deb") }
      throw SystemLayersFailure.damagedDownload(file: file.map(String.init) ?? detail)
    }
  }
}
