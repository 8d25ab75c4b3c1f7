// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import SystemLayers

struct WorkshopTests {
  private let folder: TemporaryFolder
  private let asRoot = geteuid() == 0

  init() throws { folder = try TemporaryFolder() }

  @Test func theHoldersCommand() {
    let command = Workshop.holderCommand("/s/hold", folder: "/w", tmpfs: ByteCount(Int64(5)), asRoot: false)
    #expect(command.program == "unshare")
    #expect(
      command.arguments == [
        "--user", "--map-root-user", "--map-auto", "--mount", "--pid", "--net", "--fork", "--kill-child", "sh",
        "/s/hold", "/w", "5",
      ])
    let root = Workshop.holderCommand("/s/hold", folder: "/w", tmpfs: nil, asRoot: true)
    #expect(!root.arguments.contains("--user") && root.arguments.last == "-")
  }

  @Test func workIsPrivateAndGoneAfterwards() async throws {
    let place = folder.appending("work")
    let inside = try await Workshop.open(at: place, tmpfs: .mebibytes(8), asRoot: asRoot) { workshop in
      try await workshop.run(ExternalCommand("sh", ["-c", "echo secret > \(workshop.folder)/file"]))
      #expect(FileTree.names(in: place).isEmpty, "the tmpfs can be seen outside")
      // Nothing but the loopback interface, which is down.
      let network = try await workshop.inside(ExternalCommand("cat", ["/proc/net/dev"])).text()
      #expect(!network.contains("eth") && !network.contains("enp"))
      return try await workshop.inside(ExternalCommand("cat", ["\(workshop.folder)/file"])).text()
    }
    #expect(inside == "secret\n")
    #expect(FileTree.names(in: place).isEmpty)
  }

  @Test func workOnTheDiskIsRemoved() async throws {
    let place = folder.appending("work")
    try await Workshop.open(at: place, tmpfs: nil, asRoot: asRoot) { workshop in
      try await workshop.run(ExternalCommand("mkdir", ["-p", "\(workshop.folder)/a/b"]))
      #expect(FileTree.names(in: place) == ["a"])
    }
    #expect(FileTree.names(in: place).isEmpty)
  }

  @Test func aFailingCommandShowsItsLastLines() async throws {
    let error = await #expect(throws: ExternalCommand.Failure.self) {
      try await Workshop.open(at: folder.appending("work"), tmpfs: .mebibytes(8), asRoot: asRoot) { workshop in
        try await workshop.run(ExternalCommand("sh", ["-c", "echo the reason; exit 3"]))
      }
    }
    #expect(error?.message.contains("the reason") == true)
  }

  /// Overlayfs hides what a folder had before it was replaced by an attribute that the started image's own overlay
  /// does not read; what is packed must not need it.
  @Test func replacedFoldersAndDeletionsAreSeenByEveryOverlay() async throws {
    let script = folder.appending("script")
    let build = try InstalledData.folder(of: "SystemLayers").appending("build")
    try AtomicFile.write(
      Array(
        """
        set -eu
        cd "$1"
        mkdir -p lower/replaced/deep lower/kept lower/gone p/upper p/work p/root again work2
        echo old >lower/replaced/old; echo old >lower/replaced/deep/old; echo old >lower/replaced/both
        echo old >lower/kept/file; echo old >lower/kept/deleted; echo old >lower/gone/file
        ln -s kept lower/link
        mount -t overlay -o userxattr,lowerdir=lower,upperdir=p/upper,workdir=p/work o p/root
        rm -r p/root/replaced p/root/gone p/root/kept/deleted p/root/link
        mkdir -p p/root/replaced/deep p/root/link; echo new >p/root/replaced/new; echo new >p/root/replaced/both
        (cd p/root && find . -type f -exec sha256sum {} + -o -print | sort) >merged
        sh '\(build)/flatten-upper' "$1/p" "$1/lower"
        umount p/root
        sh '\(build)/pack-layer' p/upper layer.squashfs
        unsquashfs -quiet -no-progress -dest unpacked layer.squashfs
        # An overlay as live-boot mounts it: without userxattr.
        mount -t overlay -o lowerdir=unpacked:lower o again
        (cd again && find . -type f -exec sha256sum {} + -o -print | sort) >mounted
        diff merged mounted
        test -e again/replaced/new -a ! -e again/replaced/old -a ! -e again/gone -a -d again/link
        """.utf8), to: script)
    try await Workshop.open(at: folder.appending("work"), tmpfs: .mebibytes(64), asRoot: asRoot) { workshop in
      try await workshop.run(
        ExternalCommand("sh", [script.string, workshop.folder.string], environment: ["SOURCE_DATE_EPOCH": "1"]))
    }
  }
}
