// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
internal import BootAssembly
@preconcurrency internal import Glibc
internal import HostSystem
internal import SystemPackage

/// The UEFI boot entry of a recovery partition.
///
///     find own (by partition GUID) ─▶ create ─▶ read back ─▶ remove older own ones ─▶ set order ─▶ read back
///
/// Entries of others are never removed or changed, and between two steps the firmware always has an entry that starts
/// the recovery, if it had one before. Whatever happens to the entry, the partition's fallback loader
/// (`\EFI\BOOT\BOOTX64.EFI`) stays where firmware looks on a disk for which it has no entry.
package struct FirmwareBoot: BootRegistration {
  let program: Efibootmgr
  /// `/sys/firmware/efi`.
  let firmware: FilePath

  /// The firmware of this computer; nothing is read.
  package init() { self.init(program: Efibootmgr(), firmware: "/sys/firmware/efi") }

  init(program: Efibootmgr, firmware: FilePath) { (self.program, self.firmware) = (program, firmware) }

  /// Whether this computer was started by UEFI.
  package var isPresent: Bool { FileTree.kind(of: firmware) == .folder }

  /// The loader that the firmware can run.
  /// - Throws: `BootEntryFailure.notUEFI`.
  func loader() throws -> String {
    guard let width = FirmwareWidth(of: firmware) else { throw BootEntryFailure.notUEFI }
    return "\\EFI\\BOOT\\\(width.fallbackLoader)"
  }

  static func label(_ partition: InstalledPartition) -> String { GrubText.line("Recovery: \(partition.title)") }

  /// The place that may be given to an entry: none on a BitLocker disk.
  private static func place(_ wish: BootWish) -> BootWish.Place? { wish.hasBitLocker ? nil : wish.place }

  /// No UEFI entry can name a partition of an MBR for certain.
  package func kinds(for partition: InstalledPartition) -> [BootEntry.Kind] {
    partition.table == .gpt ? [.firmware] : []
  }

  package func plan(
    _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
  ) async throws -> [String] {
    _ = try loader()
    _ = try guid(partition)
    let list = try await read()
    try checkWritable()
    let order =
      switch Self.place(wish) {
      case nil where wish.hasBitLocker: "the order of \(list.order.count.counted("entry")) stays, because of BitLocker"
      case nil: "the order stays"
      case .last: "last in the order, after \(list.order.count.counted("other"))"
      case .first:
        "first in the order" + (list.usual(besides: partition.partitionUUID).map { ", before “\($0.label)”" } ?? "")
      }
    return ["add “\(Self.label(partition))” to the firmware's boot entries: \(order)"]
  }

  package func register(
    _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
  ) async throws -> [BootEntry] {
    let guid = try guid(partition)
    let (loader, label) = (try loader(), Self.label(partition))
    var list = try await read()
    let own = list.entries(of: guid)
    var entry = own.first { $0.label == label && $0.loader == loader && $0.isActive }
    if entry == nil {
      let known = Set(list.entries.map(\.number))
      try await change(program.create(partition, label: label, loader: loader))
      list = try await read()
      // Whatever this efibootmgr's words for the loader are: nobody else has made an entry of this partition meanwhile.
      entry = list.entries(of: guid).first { !known.contains($0.number) }
    }
    guard let entry else { throw BootEntryFailure.entryDropped(label: label) }
    let older = own.map(\.number).filter { $0 != entry.number }
    for number in older { try await change(program.remove(number)) }
    let order = list.order(placing: entry.number, Self.place(wish), without: older)
    if !order.isEmpty, order != list.order { try await change(program.setOrder(order)) }
    list = try await read()
    guard list.entries(of: guid).contains(entry) else { throw BootEntryFailure.entryDropped(label: label) }
    guard list.order == order else { throw BootEntryFailure.orderNotKept(number: entry.number) }
    return [Self.entry(entry)]
  }

  package func status(of partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry] {
    guard isPresent, let guid = try? guid(partition) else { return [] }
    return try await read().entries(of: guid).map(Self.entry)
  }

  package func unregister(_ partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry] {
    guard isPresent, let guid = try? guid(partition) else { return [] }
    let own = try await read().entries(of: guid)
    for entry in own { try await change(program.remove(entry.number)) }
    if let left = try await read().entries(of: guid).first { throw BootEntryFailure.entryStays(number: left.number) }
    return own.map(Self.entry)
  }

  /// What the computer starts by itself, so that a menu can hand over to it: a loader on a partition.
  func usual(besides partition: InstalledPartition) async throws -> (partition: String, loader: String)? {
    guard let entry = try await read().usual(besides: try guid(partition)), let partition = entry.partition,
      let loader = entry.loader
    else { return nil }
    return (partition, loader)
  }

  private static func entry(_ entry: FirmwareBootList.Entry) -> BootEntry {
    BootEntry(kind: .firmware, name: "Boot\(entry.number)", label: entry.label)
  }

  private func guid(_ partition: InstalledPartition) throws -> String {
    guard partition.table == .gpt else { throw BootEntryFailure.noGUID(partition.disk) }
    return partition.partitionUUID
  }

  private func read() async throws -> FirmwareBootList {
    FirmwareBootList(parsing: try await translating { try await program.list.text() })
  }

  private func change(_ command: ExternalCommand) async throws {
    _ = try await translating { try await command.text() }
  }

  /// Looks whether variables can be written where they are mounted, before anything else is changed.
  private func checkWritable() throws {
    let folder = program.environment["EFIVARFS_PATH"].map { FilePath($0) } ?? firmware.appending("efivars")
    if let error = FileTree.refusalToWrite(folder) {
      throw BootEntryFailure.variablesReadOnly(reason: "\(folder): \(error)")
    }
  }

  /// What efibootmgr says of variables that cannot be had or written, in words that tell what to do.
  private func translating<Result>(_ body: () async throws -> Result) async throws -> Result {
    do { return try await body() } catch let failure as ExternalCommand.Failure {
      guard case .failed(_, _, let lines) = failure else { throw failure }
      let said = lines.joined(separator: " ")
      if said.contains("not supported") { throw BootEntryFailure.variablesAbsent(firmware) }
      if ["Read-only file system", "not permitted", "Permission denied"].contains(where: said.contains) {
        throw BootEntryFailure.variablesReadOnly(reason: said)
      }
      if said.contains("No space left") { throw BootEntryFailure.variablesFull }
      throw failure
    }
  }
}

extension FileTree {
  /// Why a folder takes no files; nil where it does.
  fileprivate static func refusalToWrite(_ folder: FilePath) -> Errno? {
    access(folder.string, W_OK) == 0 ? nil : Errno(rawValue: errno)
  }
}
