// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// What layers take away or replace looks right in the started system.
@Suite(.serialized, .enabled(if: HostEnvironment["LIFEBOAT_BOOT_TESTS"] == "1", "set LIFEBOAT_BOOT_TESTS=1 to boot"))
struct ContentTests {
  private static let manifest = """
    lifeboat = 1
    [[image]]
    name = "replaced"
    kernel-arguments = ["norandmaps"]
    hooks = ["replace"]
    files = { "usr/lib/systemd/system/look.service" = "look.service" }
    [image.tools]
    user = ["disk-list"]
    """

  /// Deletes a file and a folder of the base, and replaces a folder, which overlayfs does by an opaque one.
  private static let hook = """
    #!/bin/sh
    set -eu
    rm -r /usr/share/zoneinfo/Africa
    rm /etc/issue
    rm -r /usr/share/zoneinfo/Arctic
    mkdir -p /usr/share/zoneinfo/Arctic/deep
    echo new >/usr/share/zoneinfo/Arctic/new
    mkdir -p /etc/systemd/system/lifeboat.target.wants
    ln -s /usr/lib/systemd/system/look.service /etc/systemd/system/lifeboat.target.wants/look.service
    """

  private static let unit = """
    [Unit]
    Description=Look at what a hook has done
    Before=lifeboat-ready.service
    [Service]
    Type=oneshot
    StandardOutput=tty
    TTYPath=/dev/ttyS0
    ExecStart=/bin/sh -c 'cd /usr/share/zoneinfo; echo LOOK issue=$(ls /etc/issue 2>/dev/null) africa=$(ls -d Africa 2>/dev/null) arctic=$(ls Arctic | tr "\\n" ,) europe=$(ls -d Europe)'
    """

  @Test func replacedFoldersAndDeletions() async throws {
    let folder = try await DemoMedium.build(
      "replaced", manifest: Self.manifest, files: ["replace": Self.hook, "look.service": Self.unit])
    let line = try await TemporaryFolder.with { scratch in
      let machine = TrialMachine(
        medium: folder.appending("replaced-x64.iso"), memory: .mebibytes(1024), hasNetwork: false)
      return try await machine.run(scratch: scratch, limit: .seconds(600)) { machine in
        try await machine.line { $0.contains("LOOK ") }
      }
    }
    #expect(line.contains("LOOK issue= africa= arctic=deep,new, europe=Europe"))
  }

  /// `Check this medium` of the boot menu finds a damaged layer, and finds nothing on a whole medium.
  @Test(arguments: [false, true]) func theMenusCheck(damaged: Bool) async throws {
    var medium = try await DemoMedium.shared.path()
    try await TemporaryFolder.with { folder in
      if damaged {
        var bytes = try FileTree.bytes(of: medium)
        bytes[bytes.count / 3] ^= 1
        medium = folder.appending("damaged.iso")
        try AtomicFile.write(bytes, to: medium)
      }
      let machine = TrialMachine(medium: medium, memory: .mebibytes(1024), hasNetwork: false)
      try await machine.run(scratch: folder, limit: .seconds(900)) { machine in
        // The line with the seconds left ends only when they are over.
        _ = try await machine.line { $0.contains("Press enter to boot the selected OS") }
        try await machine.press("down", "down", "ret")
        let verdict = try await machine.line { $0.contains("LIFEBOAT-CHECKED") }
        #expect(verdict.contains("LIFEBOAT-CHECKED \(damaged ? "FAILED" : "ok")"))
      }
    }
  }
}
