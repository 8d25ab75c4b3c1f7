// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
import HostSystem
import RecoveryManifest
import RecoveryPlan
import SystemPackage
import TestSupport
import Testing

@testable import SystemLayers

/// The modes of what goes into a layer: they are the image's affair, not that of who builds.
struct SettingsLayerTests {
  private static func lay(in folder: FilePath) throws {
    var image = Image(name: "aid", title: "Aid", tools: [])
    image.files = ["root/.profile": "profile", "srv/site/run": "run"]
    var options = SystemBuilder.Options(asRoot: geteuid() == 0, availableMemory: .zero, manifestFolder: folder)
    options.offline = true
    let builder = SystemBuilder(cache: try StepCache(folder.appending("cache")), options: options) { _ in }
    try builder.layOut(image, .x64, in: folder.appending("files"))
  }

  @Test func modesAreTheImagesOwn() async throws {
    let folder = try TemporaryFolder()
    try FileTree.setPermissions(try folder.write("profile", "umask 077"), 0o600)
    try FileTree.setPermissions(try folder.writeScript("run", "true"), 0o700)
    await #expect(processExitsWith: .success) { [path = folder.path.string as String] in
      umask(0o077)
      try SettingsLayerTests.lay(in: FilePath(path))
    }
    let files = folder.appending("files")
    let others = try await Tool.run(
      "find", [".", "!", "-type", "l", "!", "-perm", "644", "!", "-perm", "755"], in: files)
    #expect(others.lines == ["./root"], "\(others)")
    #expect(FileTree.status(of: files.appending("root"))?.permissions == 0o700)
    #expect(FileTree.status(of: files.appending("srv/site/run"))?.permissions == 0o755)
    #expect(FileTree.status(of: files.appending("root/.profile"))?.permissions == 0o644)
  }

  /// mksquashfs reads the mode of the top folder from no archive, and from a folder whatever that happens to have.
  @Test(arguments: ["tree", "archive"])
  func theTopFolderIsOpen(way: String) async throws {
    let folder = try TemporaryFolder()
    let tree = folder.appending("files")
    try folder.write("files/etc/motd", "hello")
    try FileTree.setPermissions(tree, 0o700)
    let step = Step(kind: .settings, name: "x64 aid", architecture: .x64, inputs: [:])
    let builder = SystemBuilder(
      cache: try StepCache(folder.appending("cache")),
      options: .init(asRoot: geteuid() == 0, availableMemory: .zero, manifestFolder: folder.path)
    ) { _ in }
    let layer = folder.appending("layer.squashfs")
    if way == "tree" {
      try await builder.packFolder(tree, step).run()
    } else {
      try await builder.script("pack-layer", [tree.string, layer.string], step).run()
    }
    let listing = try await Tool.run("unsquashfs", ["-lln", layer.string])
    #expect(listing.lines.first { $0.hasSuffix(" squashfs-root") }?.hasPrefix("drwxr-xr-x") == true, "\(listing)")
  }
}
