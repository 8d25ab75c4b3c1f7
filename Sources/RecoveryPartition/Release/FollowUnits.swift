// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
package import SystemPackage

/// The systemd timer by which a computer asks a server for newer releases.
///
///     /etc/lifeboat/follow.conf                    address and disk
///     /etc/systemd/system/lifeboat-follow.service  lifeboat install --update ADDRESS --disk DISK --yes
///     /etc/systemd/system/lifeboat-follow.timer    once a day, each computer at a moment of its own
///
/// The key is not here: the partition has it, and only `--key` at an installation or an update from a file changes it.
package struct FollowUnits: Sendable {
  /// The root of the system.
  let root: FilePath
  /// The program, as the service starts it.
  let program: FilePath
  /// Tells systemd.
  let systemctl: [String]

  package static let name = "lifeboat-follow"

  /// The units of the running system.
  package init(program: FilePath) { self.init(root: "/", program: program, systemctl: ["systemctl"]) }

  init(root: FilePath, program: FilePath, systemctl: [String]) {
    (self.root, self.program, self.systemctl) = (root, program, systemctl)
  }

  private var configuration: FilePath { root.pushing("etc/lifeboat/follow.conf") }
  private var service: FilePath { root.pushing(FilePath("etc/systemd/system/\(Self.name).service")) }
  private var timer: FilePath { root.pushing(FilePath("etc/systemd/system/\(Self.name).timer")) }

  /// The address that is followed now.
  package var address: String? {
    (try? FileTree.text(of: configuration))?.split(separator: "\n").first { $0.hasPrefix("LIFEBOAT_URL=") }
      .map { String($0.dropFirst("LIFEBOAT_URL=".count)) }
  }

  /// Writes the files and starts the timer; what is there is replaced.
  /// - Parameter disk: a name of the disk that stays the same, below `/dev/disk/by-id`.
  /// - Throws: `OperationFailure`, `ExternalCommand.Failure`.
  package func install(_ server: ReleaseServer, disk: FilePath) async throws {
    try FileTree.makeFolder(configuration.removingLastComponent())
    try FileTree.makeFolder(service.removingLastComponent())
    try write(configuration, Self.configurationText(server, disk: disk))
    try write(service, serviceText)
    try write(timer, Self.timerText)
    try await tell("daemon-reload")
    try await tell("enable", "--now", "\(Self.name).timer")
  }

  /// Stops the timer and removes the files.
  /// - Returns: whether there were any.
  /// - Throws: `ExternalCommand.Failure`.
  package func remove() async throws -> Bool {
    guard FileTree.kind(of: timer) != nil else { return false }
    try await tell("disable", "--now", "\(Self.name).timer")
    for file in [timer, service, configuration] { FileTree.remove(file) }
    try await tell("daemon-reload")
    return true
  }

  private func write(_ file: FilePath, _ text: String) throws { try AtomicFile.write(Array(text.utf8), to: file) }

  private func tell(_ words: String...) async throws {
    try await ExternalCommand(systemctl[0], systemctl.dropFirst() + words, package: "systemd").run()
  }

  static func configurationText(_ server: ReleaseServer, disk: FilePath) -> String {
    """
    # Where this computer's recovery partition gets its releases from. Written by lifeboat install --follow.
    LIFEBOAT_URL=\(server.address)
    LIFEBOAT_DISK=\(disk)

    """
  }

  var serviceText: String {
    """
    # SPDX-License-Identifier: GPL-3.0-or-later
    # Updates the recovery partition from the release that its server holds.
    [Unit]
    Description=Update of the recovery partition
    Documentation=man:lifeboat-install(1)
    Wants=network-online.target
    After=network-online.target
    ConditionACPower=true

    [Service]
    Type=oneshot
    EnvironmentFile=/etc/lifeboat/follow.conf
    ExecStart=\(program) install --update ${LIFEBOAT_URL} --disk ${LIFEBOAT_DISK} --yes
    CacheDirectory=lifeboat-follow
    Nice=19
    IOSchedulingClass=idle
    # The partition's device and the files of its medium are all that it needs.
    ProtectSystem=strict
    # Where GRUB's entry is made anew if it is gone.
    ReadWritePaths=-/etc/grub.d -/boot
    ProtectHome=yes
    PrivateTmp=yes
    NoNewPrivileges=yes
    RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK

    """
  }

  static let timerText = """
    # SPDX-License-Identifier: GPL-3.0-or-later
    [Unit]
    Description=Daily update of the recovery partition
    Documentation=man:lifeboat-install(1)

    [Timer]
    OnCalendar=daily
    RandomizedDelaySec=6h
    Persistent=true

    [Install]
    WantedBy=timers.target

    """
}
