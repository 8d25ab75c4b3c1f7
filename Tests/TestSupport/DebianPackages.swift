// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
public import SystemPackage

/// Debian packages for tests, from the host's own apt sources, without touching the host's apt.
///
/// Each architecture has a private apt state in a temporary folder; what was fetched once is used by all tests of the
/// process. `LIFEBOAT_TEST_PACKAGES=FOLDER` keeps it for the next run.
public actor DebianPackages {
  /// For all tests of the process.
  public static let shared = DebianPackages()

  private let root: FilePath
  private var updated: [String: Task<Void, any Error>] = [:]
  private var unpacked: [String: Task<FilePath, any Error>] = [:]

  private init() {
    let kept = HostEnvironment["LIFEBOAT_TEST_PACKAGES"].map { FilePath($0) }
    root = kept ?? TemporaryFolder.untilExit("packages")
  }

  /// Nil where packages can be had, otherwise why not.
  public static func unavailable() async -> String? {
    do {
      for architecture in ["amd64", "i386"] { try await shared.update(architecture) }
      _ = try await shared.folder(["shim-signed"], architecture: "i386")
      return nil
    } catch {
      return "apt cannot reach its mirror: \(error)"
    }
  }

  /// A folder with these packages unpacked over each other.
  public func folder(_ packages: [String], architecture: String) async throws -> FilePath {
    let key = ([architecture] + packages.sorted()).joined(separator: "_")
    if let task = unpacked[key] { return try await task.value }
    let task = Task { try await fetch(packages, architecture, into: root.appending("trees").appending(key)) }
    unpacked[key] = task
    return try await task.value
  }

  /// The kernel image that a meta package such as linux-image-amd64 stands for.
  public func kernel(_ metaPackage: String, architecture: String) async throws -> FilePath {
    let folder = root.appending("kernels").appending(metaPackage)
    let kernel = folder.appending("vmlinuz")
    if HostEnvironment.exists(kernel) { return kernel }
    try await update(architecture)
    let meta = try await download([metaPackage], architecture, into: folder)
    let depends = try await ExternalCommand("dpkg-deb", ["-f", meta[0].string, "Depends"]).text()
    let package = String(depends.split { $0 == " " || $0 == "\n" }[0])
    let archive = try await download([package], architecture, into: folder.appending("archive"))[0]
    // Only the kernel itself is taken out: the modules are some 400 MB.
    try await ExternalCommand(
      "sh",
      [
        "-c",
        #"dpkg-deb --fsys-tarfile "$1" | tar -x -O --wildcards './boot/vmlinuz-*' > "$2.part" && mv "$2.part" "$2""#,
        "sh", archive.string, kernel.string,
      ]
    ).run()
    return kernel
  }

  private func fetch(_ packages: [String], _ architecture: String, into tree: FilePath) async throws -> FilePath {
    if HostEnvironment.exists(tree) { return tree }
    try await update(architecture)
    let archives = try await download(packages, architecture, into: FilePath(tree.string + ".archives"))
    let part = FilePath(tree.string + ".part")
    for archive in archives { try await ExternalCommand("dpkg-deb", ["-x", archive.string, part.string]).run() }
    try await ExternalCommand("mv", [part.string, tree.string]).run()
    return tree
  }

  private func update(_ architecture: String) async throws {
    if let task = updated[architecture] { return try await task.value }
    let task = Task {
      let state = state(architecture)
      for folder in ["state/lists/partial", "cache/archives/partial"] {
        try await ExternalCommand("mkdir", ["-p", state.appending(folder).string]).run()
      }
      try AtomicFile.write([], to: state.appending("status"))
      // One foreign source that fails must not matter; a missing package is noticed when it is downloaded.
      do {
        try await ExternalCommand("apt-get", options(architecture) + ["update"]).run()
      } catch ExternalCommand.Failure.failed {}
    }
    updated[architecture] = task
    try await task.value
  }

  private func download(_ packages: [String], _ architecture: String, into folder: FilePath) async throws -> [FilePath]
  {
    try await ExternalCommand("mkdir", ["-p", folder.string]).run()
    try await ExternalCommand(
      "env", ["-C", folder.string, "apt-get"] + options(architecture) + ["download"] + packages
    ).run()
    let listing = try await ExternalCommand("ls", [folder.string]).text()
    return listing.split(separator: "\n").filter { $0.hasSuffix(".deb") }.map { folder.appending(String($0)) }
  }

  private func state(_ architecture: String) -> FilePath { root.appending("apt").appending(architecture) }

  private func options(_ architecture: String) -> [String] {
    let state = state(architecture)
    return [
      "Dir::State=\(state.appending("state"))", "Dir::State::status=\(state.appending("status"))",
      "Dir::Cache=\(state.appending("cache"))", "APT::Architecture=\(architecture)",
      "APT::Architectures=\(architecture)", "APT::Sandbox::User=root", "Acquire::Retries=2",
      "Acquire::http::Timeout=20",
    ].flatMap { ["-o", $0] }
  }
}
