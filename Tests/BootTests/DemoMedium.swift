// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// The demo's first image, or a small one, built by the real command from Debian's packages.
actor DemoMedium {
  /// The small one, whose layers the tests of builds make.
  static let small = DemoMedium("small", image: "aid", architectures: "x64", file: "aid-x64.iso")
  /// For both architectures on one medium.
  static let shared = DemoMedium("demo", architectures: "both", file: "tier1.iso")
  /// For x64 alone, and a version of that with other settings.
  static let x64 = DemoMedium("demo-x64", architectures: "x64", file: "tier1-x64.iso")
  static let newer = DemoMedium("newer", title: ", newer", architectures: "x64", file: "tier1-x64.iso")

  private let name: String
  /// Its image.
  nonisolated let image: String
  private let title: String
  private let architectures: String
  private let file: String
  private var building: Task<FilePath, any Error>?

  private init(
    _ name: String, image: String = "tier1", title: String = "", architectures: String, file: String
  ) {
    (self.name, self.image, self.title) = (name, image, title)
    (self.architectures, self.file) = (architectures, file)
  }

  /// The ISO file; built once in a process, from a cache that outlives it.
  func path() async throws -> FilePath {
    let task =
      building
      ?? Task {
        let arguments = ["--image", image, "--arch", architectures]
        return try await Self.build(name, manifest: try manifest(), arguments: arguments).appending(file)
      }
    building = task
    return try await task.value
  }

  /// The demo's manifest with what emulation needs to be bearable: address space randomisation makes every start of a
  /// program a new translation.
  private func manifest() throws -> String {
    let arguments = #"kernel-arguments = ["norandmaps"]"#
    if image == "aid" { return Manifests.aid(more: [arguments]) }
    return try FileTree.text(of: Repository.path("Fixtures/manifests/rescue.toml"))
      .replacing("title = \"Contoso first aid\"", with: "title = \"Contoso first aid\(title)\"")
      .replacing("[defaults]\n", with: "[defaults]\n\(arguments)\n")
  }

  /// Builds a manifest in a folder of its own.
  /// - Parameter program: another one than the one that was built with the tests.
  /// - Returns: the folder with the ISO files.
  static func build(
    _ name: String, manifest: String, files: [String: String] = [:], arguments: [String] = [], program: FilePath? = nil
  ) async throws -> FilePath {
    let folder = TemporaryFolder.untilExit(name)
    for (file, text) in files.merging(["rescue.toml": manifest], uniquingKeysWith: { $1 }) {
      try FileTree.makeFolder(folder.appending(file).removingLastComponent())
      try AtomicFile.write(Array(text.utf8), to: folder.appending(file))
      if text.hasPrefix("#!") { try FileTree.setPermissions(folder.appending(file), 0o755) }
    }
    let outcome = try await TestCache.shared.alone { cache in
      // A mirror whose index of updates lags behind is no reason not to test.
      try await Tool.run(
        try (program ?? Repository.program("lifeboat")).string,
        ["build", "rescue.toml", "--allow-incomplete-suites", "-o", "."] + arguments, in: folder,
        environment: ["XDG_CACHE_HOME": cache.string])
    }
    try #require(outcome.status == 0, "\(outcome)")
    return folder
  }
}
