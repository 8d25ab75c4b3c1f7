// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// The system of the lab's computer: an image that Lifeboat builds of itself, with the program under test inside and a
/// shell on the second serial port.
actor LabMedium {
  static let shared = LabMedium()
  private var building: Task<FilePath, any Error>?

  /// The ISO file; built once in a process, from a cache that outlives it.
  func path() async throws -> FilePath {
    let task = building ?? Task { try await Self.build() }
    building = task
    return try await task.value
  }

  private static let manifest = """
    lifeboat = 1
    [[image]]
    name = "lab"
    kernel-arguments = ["norandmaps"]
    hooks = ["enable-shell"]
    packages = ["libisoburn1", "lvm2", "cryptsetup-bin", "mdadm", "e2fsprogs", "exfatprogs", "dosfstools", "fdisk", "zstd", "gzip", "dbus", "polkitd", "udisks2"]
    [image.tools]
    user = ["disk-list"]
    [image.files]
    "usr/local/bin/lifeboat" = "lifeboat"
    "usr/local/sbin/lab-shell" = "lab-shell"
    "usr/lib/systemd/system/lab-shell.service" = "lab-shell.service"
    """

  /// Takes one command line after another, base64 on one line each, and answers in one line: status and output.
  private static let shell = """
    #!/bin/sh
    stty -F /dev/ttyS1 raw -echo
    exec 3<>/dev/ttyS1
    echo LAB-SHELL >&3
    while read -r line <&3; do
      echo "$line" | base64 -d >/run/lab-command
      sh /run/lab-command >/run/lab-output 2>&1 </dev/null
      echo "LAB-DONE $? $(base64 -w 0 /run/lab-output)" >&3
    done
    """

  private static let unit = """
    [Unit]
    Description=The lab's shell
    [Service]
    ExecStart=/usr/local/sbin/lab-shell
    Restart=always
    """

  private static let hook = """
    #!/bin/sh
    set -eu
    mkdir -p /etc/systemd/system/lifeboat.target.wants
    ln -s /usr/lib/systemd/system/lab-shell.service /etc/systemd/system/lifeboat.target.wants/lab-shell.service
    """

  private static func build() async throws -> FilePath {
    let program = try #require(Repository.standalone, "LIFEBOAT_LAB_PROGRAM")
    let folder = TemporaryFolder.untilExit("lab")
    let files = ["rescue.toml": manifest, "lab-shell": shell, "lab-shell.service": unit, "enable-shell": hook]
    for (name, text) in files {
      try AtomicFile.write(Array(text.utf8), to: folder.appending(name))
      if text.hasPrefix("#!") { try FileTree.setPermissions(folder.appending(name), 0o755) }
    }
    try await ExternalCommand("cp", [program.string, folder.appending("lifeboat").string]).run()
    let outcome = try await TestCache.shared.alone { cache in
      // A mirror whose index of updates lags behind is no reason not to test.
      try await Repository.lifeboat(
        ["build", "rescue.toml", "--arch", "x64", "--allow-incomplete-suites", "-o", "."], in: folder,
        environment: ["XDG_CACHE_HOME": cache.string])
    }
    try #require(outcome.status == 0, "\(outcome)")
    return folder.appending("lab-x64.iso")
  }
}
