// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
internal import BootAssembly
internal import HostSystem
package import SystemPackage

/// The entry of a recovery partition in the menu of an installed Linux system's GRUB.
///
///     /etc/grub.d/42_lifeboat_6C696665    where update-grub makes the menu (Debian, Ubuntu)
///     /boot/grub/custom.cfg               elsewhere: GRUB's 41_custom reads it at each start, and nothing is made anew
///
/// The entry finds the partition by the serial number of its file system. On UEFI it starts the partition's own loader,
/// so that GRUB, its modules and its configuration are the recovery's own; on a BIOS it goes on with the partition's
/// menu.
package struct InstalledGRUB: BootRegistration {
  /// The root of the installed system: `/` where it is the running one.
  let root: FilePath
  /// The program that makes the menu anew; nil where there is none.
  let updateGrub: ExternalCommand?

  /// The GRUB of an installed system; nothing is read.
  package init(root: FilePath = "/") {
    let program = ExternalCommand("update-grub", [], environment: ["LC_ALL": "C"], package: "grub2-common")
    self.init(root: root, updateGrub: FileTree.status(of: root.pushing("usr/sbin/update-grub")) == nil ? nil : program)
  }

  init(root: FilePath, updateGrub: ExternalCommand?) { (self.root, self.updateGrub) = (root, updateGrub) }

  package func kinds(for partition: InstalledPartition) -> [BootEntry.Kind] { [.grub] }

  package func plan(
    _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
  ) async throws -> [String] {
    guard let place = place(partition) else { throw BootEntryFailure.noInstalledGRUB(root) }
    let label = Self.label(partition)
    return switch place {
    case .script(let file): ["add “\(label)” to the menu of the installed GRUB: \(file), then update-grub"]
    case .custom(let file): ["add “\(label)” to the menu of the installed GRUB, in \(file)"]
    }
  }

  package func register(
    _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
  ) async throws -> [BootEntry] {
    let file = try await add(partition).file
    return [BootEntry(kind: .grub, name: file.string, label: Self.label(partition))]
  }

  package func status(of partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry] {
    try files(partition).map { BootEntry(kind: .grub, name: $0.string, label: Self.label(partition)) }
  }

  package func unregister(_ partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry] {
    let removed = try files(partition).map { BootEntry(kind: .grub, name: $0.string, label: Self.label(partition)) }
    try await remove(partition)
    return removed
  }

  private static func label(_ partition: InstalledPartition) -> String {
    GrubText.line("Recovery: \(partition.title)")
  }

  /// Where the entry stands.
  enum Place: Sendable, Equatable {
    /// A file that `update-grub` runs.
    case script(FilePath)
    /// A part of a file that GRUB reads.
    case custom(FilePath)

    /// The file.
    var file: FilePath {
      switch self {
      case .script(let file), .custom(let file): file
      }
    }
  }

  private static let mark = "# Lifeboat's boot entry of the recovery partition"
  static func begin(_ partition: InstalledPartition) -> String { "\(mark) \(partition.fileSystemSerial): begin" }
  static func end(_ partition: InstalledPartition) -> String { "\(mark) \(partition.fileSystemSerial): end" }

  private func scriptFile(_ partition: InstalledPartition) -> FilePath {
    let serial = partition.fileSystemSerial.replacing("-", with: "")
    return root.appending("etc").appending("grub.d").appending("42_lifeboat_\(serial)")
  }
  private var customFiles: [FilePath] {
    ["grub", "grub2"].map { root.appending("boot").appending($0).appending("custom.cfg") }
  }

  /// Whether there is a GRUB to add an entry to.
  package var isPresent: Bool {
    updateGrub != nil && FileTree.kind(of: menu("grub")) == .file || !withCustomMenu.isEmpty
  }

  /// The folders below `/boot` whose menu reads `custom.cfg`.
  private var withCustomMenu: [String] {
    ["grub", "grub2"].filter { ((try? FileTree.text(of: menu($0))) ?? "").contains("custom.cfg") }
  }

  /// Where an entry can be added; nil where no GRUB is installed.
  func place(_ partition: InstalledPartition) -> Place? {
    let script = scriptFile(partition)
    if FileTree.kind(of: script.removingLastComponent()) == .folder, updateGrub != nil,
      FileTree.kind(of: menu("grub")) == .file
    {
      return .script(script)
    }
    return withCustomMenu.first.map { .custom(root.appending("boot").appending($0).appending("custom.cfg")) }
  }

  /// The files that have the entry now.
  private func files(_ partition: InstalledPartition) throws -> [FilePath] {
    try ([scriptFile(partition)] + customFiles).filter { try content(of: $0)?.contains(Self.begin(partition)) ?? false }
  }

  private func menu(_ folder: String) -> FilePath { root.appending("boot").appending(folder).appending("grub.cfg") }

  /// What the partition's menu uses. It has no modules for a BIOS beside it, and GRUB looks for them beside the menu.
  private static let modules = [
    "search_fs_file", "regexp", "loadenv", "test", "echo", "sleep", "cpuid", "linux", "linux16", "drivemap", "halt",
    "reboot", "serial", "terminal", "font", "all_video", "gfxterm", "gfxmenu", "png", "password_pbkdf2",
  ]

  /// The menu entry. Everything that GRUB loads for it is named, because a menu in `custom.cfg` gets nothing by itself.
  static func entry(_ partition: InstalledPartition) -> String {
    """
    menuentry \(GrubText.word(label(partition))) --class recovery --id lifeboat --unrestricted {
      insmod part_gpt
      insmod part_msdos
      insmod fat
      insmod search_fs_uuid
      insmod chain
      if [ "$grub_platform" != efi ]; then
        for module in \(modules.joined(separator: " ")); do insmod $module; done
      fi
      search --no-floppy --fs-uuid --set=root \(partition.fileSystemSerial)
      if [ "$grub_platform" != efi ]; then
        set asked=yes
        export asked
        configfile /boot/grub/grub.cfg
      elif [ "$grub_cpu" = x86_64 ]; then
        chainloader /EFI/BOOT/BOOTX64.EFI
      else
        chainloader /EFI/BOOT/BOOTIA32.EFI
      fi
    }

    """
  }

  /// The file below `/etc/grub.d`: a script that prints what follows its third line, as Debian's 40_custom does.
  static func script(_ partition: InstalledPartition) -> String {
    """
    #!/bin/sh
    \(begin(partition))
    exec tail -n +4 "$0"
    \(entry(partition))\(end(partition))

    """
  }

  /// Adds the entry, or writes it anew; where that fails the menu is as it was.
  private func add(_ partition: InstalledPartition) async throws -> Place {
    guard let place = place(partition) else { throw BootEntryFailure.noInstalledGRUB(root) }
    let file = place.file
    let before = try content(of: file)
    switch place {
    case .script:
      if let before, !before.contains(Self.begin(partition)) { throw BootEntryFailure.foreignFile(file) }
      try writeScript(Self.script(partition), file)
      do { try await makeMenu() } catch {
        if let before { try writeScript(before, file) } else { FileTree.remove(file) }
        throw error
      }
    case .custom:
      let (begin, end) = (Self.begin(partition), Self.end(partition))
      let others = Self.without(begin, end, in: before ?? "")
      let text = others + (others.isEmpty || others.hasSuffix("\n") ? "" : "\n") + begin + "\n"
      try AtomicFile.write(Array((text + Self.entry(partition) + end + "\n").utf8), to: file)
    }
    return place
  }

  private func writeScript(_ text: String, _ file: FilePath) throws {
    try AtomicFile.write(
      Array(text.utf8), to: file, permissions: [.ownerReadWriteExecute, .groupReadExecute, .otherReadExecute])
  }

  /// Removes the entry; what others wrote stays.
  private func remove(_ partition: InstalledPartition) async throws {
    let script = scriptFile(partition)
    for file in try files(partition) {
      if file == script {
        FileTree.remove(file)
        try await makeMenu()
      } else {
        let others = Self.without(Self.begin(partition), Self.end(partition), in: try content(of: file) ?? "")
        if others.isEmpty { FileTree.remove(file) } else { try AtomicFile.write(Array(others.utf8), to: file) }
      }
    }
  }

  private func makeMenu() async throws {
    guard let updateGrub else { return }
    do { try await updateGrub.run() } catch ExternalCommand.Failure.failed(_, let status, let lines) {
      throw BootEntryFailure.menuNotMade(reason: lines.last ?? status)
    }
  }

  private func content(of file: FilePath) throws -> String? {
    FileTree.kind(of: file) == nil ? nil : try FileTree.text(of: file)
  }

  /// A text without the lines from one to another; all of it where either is missing.
  static func without(_ begin: String, _ end: String, in text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard let first = lines.firstIndex(of: begin), let last = lines[first...].firstIndex(of: end) else { return text }
    return (lines[..<first] + lines[(last + 1)...]).joined(separator: "\n")
  }
}
