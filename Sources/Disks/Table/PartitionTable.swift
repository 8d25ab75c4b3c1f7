// SPDX-License-Identifier: GPL-3.0-or-later
internal import CFdisk
@preconcurrency internal import Glibc
internal import HostSystem
package import SystemPackage

/// The partition table of a disk, by libfdisk.
///
/// What libfdisk warns of when it reads a table (a damaged backup, a disk of another size than the table says) it would
/// put right when it writes. That is for whoever owns the disk to decide, so every warning is a refusal.
package final class PartitionTable {
  package let context: OpaquePointer
  package let disk: Disk
  /// What libfdisk reads from and writes to: the disk, but for the time in which it writes (`changes`).
  package let descriptor: FileDescriptor
  private let messages: Messages

  /// What libfdisk said.
  private final class Messages { var lines: [String] = [] }

  /// Reads the table.
  /// - Throws: `DiskFailure.noTable`, `.tableDamaged`, `.hybrid`.
  package init(of disk: Disk) throws {
    self.disk = disk
    let messages = Messages()
    self.messages = messages
    guard let context = fdisk_new_context() else { throw OperationFailure("read", disk.path, .noMemory) }
    self.context = context
    let copy = fcntl(disk.descriptor.rawValue, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw OperationFailure("read", disk.path, Errno(rawValue: errno)) }
    descriptor = FileDescriptor(rawValue: copy)
    fdisk_disable_dialogs(context, 1)
    fdisk_set_ask(
      context,
      { _, ask, data in
        guard let ask, let data else { return 0 }
        let messages = Unmanaged<Messages>.fromOpaque(data).takeUnretainedValue()
        let kind = UInt32(bitPattern: fdisk_ask_get_type(ask))
        guard kind == FDISK_ASKTYPE_WARN.rawValue || kind == FDISK_ASKTYPE_WARNX.rawValue else { return 0 }
        if let text = fdisk_ask_print_get_mesg(ask) { messages.lines.append(String(cString: text)) }
        return 0
      }, Unmanaged.passUnretained(messages).toOpaque())
    if disk.isFile { fdisk_save_user_sector_size(context, 512, 512) }
    let result = fdisk_assign_device_by_fd(context, descriptor.rawValue, disk.path.string, disk.isWriting ? 0 : 1)
    guard result == 0 else {
      throw OperationFailure("read the partition table of", disk.path, Errno(rawValue: -result))
    }
    try check()
  }

  deinit {
    // It leaves the descriptor open.
    fdisk_unref_context(context)
    try? descriptor.close()
  }

  private func check() throws {
    guard fdisk_has_label(context) != 0 else { throw DiskFailure.noTable(disk.path) }
    guard isGPT || fdisk_is_labeltype(context, FDISK_DISKLABEL_DOS) != 0 else {
      throw DiskFailure.noTable(disk.path)
    }
    guard messages.lines.isEmpty else { throw DiskFailure.tableDamaged(disk.path, messages.lines) }
    let faults = fdisk_verify_disklabel(context)
    guard faults == 0, messages.lines.isEmpty else {
      throw DiskFailure.tableDamaged(disk.path, messages.lines)
    }
    if isGPT, HybridRecord.isHybrid(try disk.bytes(0..<512)) { throw DiskFailure.hybrid(disk.path) }
  }

  package var isGPT: Bool { fdisk_is_labeltype(context, FDISK_DISKLABEL_GPT) != 0 }
  package var sector: Int64 { Int64(fdisk_get_sector_size(context)) }

  /// Partitions and gaps.
  package func layout() throws -> DiskLayout {
    var identifier: UnsafeMutablePointer<CChar>?
    fdisk_get_disklabel_id(context, &identifier)
    defer { free(identifier) }
    let name = identifier.map { String(cString: $0) } ?? ""
    var layout = DiskLayout(
      table: isGPT ? .gpt : .mbr, identifier: (name.hasPrefix("0x") ? String(name.dropFirst(2)) : name).lowercased(),
      size: ByteCount(disk.size), sectorSize: Int(sector), partitions: [], gaps: [])
    for entry in try entries(fdisk_get_partitions) { layout.partitions.append(partition(entry, in: layout)) }
    layout.partitions.sort { ($0.start, $1.size) < ($1.start, $0.size) }
    let extended = layout.partitions.first(where: \.isExtended)?.range ?? 0..<0
    for index in layout.partitions.indices where layout.table == .mbr {
      layout.partitions[index].isLogical = layout.partitions[index].number > 4
    }
    layout.gaps = try entries(fdisk_get_freespaces).map { entry in
      let start = Int64(fdisk_partition_get_start(entry)) * sector
      return DiskLayout.Gap(
        start: ByteCount(start), size: ByteCount(Int64(fdisk_partition_get_size(entry)) * sector),
        isLogical: extended.contains(start))
    }
    return layout
  }

  private typealias Listing = (OpaquePointer?, UnsafeMutablePointer<OpaquePointer?>?) -> Int32

  /// The entries of a list of libfdisk's, which stays as long as this value.
  private func entries(_ list: Listing) throws -> [OpaquePointer] {
    var table: OpaquePointer?
    guard list(context, &table) == 0, let table else { return [] }
    lists.append(table)
    return (0..<fdisk_table_get_nents(table)).compactMap { fdisk_table_get_partition(table, $0) }
      .filter { fdisk_partition_has_start($0) != 0 && fdisk_partition_has_size($0) != 0 }
  }
  private var lists: [OpaquePointer] = []

  private func partition(_ entry: OpaquePointer, in layout: DiskLayout) -> DiskLayout.Partition {
    let type = fdisk_partition_get_type(entry)
    let number = Int(fdisk_partition_get_partno(entry)) + 1
    let uuid =
      layout.table == .gpt
      ? text(fdisk_partition_get_uuid(entry))?.lowercased() : "\(layout.identifier)-\(twoDigits(number))"
    return DiskLayout.Partition(
      number: number, start: ByteCount(Int64(fdisk_partition_get_start(entry)) * sector),
      size: ByteCount(Int64(fdisk_partition_get_size(entry)) * sector),
      type: text(fdisk_parttype_get_string(type)) ?? "0x" + String(fdisk_parttype_get_code(type), radix: 16),
      kind: text(fdisk_parttype_get_name(type)) ?? "", name: text(fdisk_partition_get_name(entry)),
      uuid: uuid ?? "", isExtended: fdisk_partition_is_container(entry) != 0)
  }

  private func twoDigits(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return digits.count < 2 ? "0" + digits : digits
  }

  private func text(_ pointer: UnsafePointer<CChar>?) -> String? {
    pointer.map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// What a new entry is to say.
  package struct Entry: Equatable {
    package var start: Int64
    package var size: Int64
    package var isHidden: Bool

    /// Describes one.
    package init(start: Int64, size: Int64, isHidden: Bool) {
      (self.start, self.size, self.isHidden) = (start, size, isHidden)
    }

    package var range: Range<Int64> { start..<start + size }

    /// On a GPT: the type of Windows' recovery partitions, or plain data.
    package var typeGUID: String { isHidden ? Self.hiddenGUID : "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7" }
    package static let hiddenGUID = "DE94BBA4-06D1-4D40-A16A-BFD50179D6AC"
    /// On an MBR: hidden FAT32, or FAT32; both by sector numbers.
    var typeCode: UInt32 { isHidden ? 0x1c : 0x0c }
    /// Required by the platform; hidden; no drive letter (UEFI 2.10, table 5.8; Microsoft, "CREATE_PARTITION_PARAMETERS").
    var attributes: UInt64 { isHidden ? 1 | 1 << 62 | 1 << 63 : 0 }

    package static let name = "Lifeboat"
  }

  /// Makes an entry, in memory alone.
  /// - Returns: the layout with it, and its number.
  /// - Throws: `DiskFailure.noEntry` where libfdisk would put it elsewhere, or nowhere.
  package func add(_ entry: Entry) throws -> (layout: DiskLayout, number: Int) {
    guard let new = fdisk_new_partition() else { throw OperationFailure("add to", disk.path, .noMemory) }
    defer { fdisk_unref_partition(new) }
    let label = fdisk_get_label(context, nil)
    let type =
      isGPT
      ? fdisk_label_parse_parttype(label, entry.typeGUID) : fdisk_label_get_parttype_from_code(label, entry.typeCode)
    fdisk_partition_set_type(new, type)
    fdisk_partition_set_start(new, UInt64(entry.start / sector))
    fdisk_partition_set_size(new, UInt64(entry.size / sector))
    fdisk_partition_partno_follow_default(new, 1)
    if isGPT { fdisk_partition_set_name(new, Entry.name) }
    var number = 0
    let result = fdisk_add_partition(context, new, &number)
    guard result == 0 else { throw DiskFailure.noEntry(disk.path, messages.lines) }
    if isGPT { fdisk_gpt_set_partition_attrs(context, number, entry.attributes) }
    let layout = try layout()
    guard
      layout.partitions.contains(where: {
        $0.number == number + 1 && $0.range == entry.range
      })
    else { throw DiskFailure.noEntry(disk.path, messages.lines) }
    return (layout, number + 1)
  }

  /// Takes an entry out, in memory alone.
  package func remove(_ number: Int) throws -> DiskLayout {
    let result = fdisk_delete_partition(context, number - 1)
    guard result == 0 else { throw OperationFailure("remove from", disk.path, Errno(rawValue: -result)) }
    return try layout()
  }
}

/// A protective MBR that describes other partitions besides: other systems read it in place of the GPT. Pure.
package enum HybridRecord {
  /// Looks at a disk's first sector.
  package static func isHybrid(_ sector: [UInt8]) -> Bool {
    guard sector.count >= 512, sector[510] == 0x55, sector[511] == 0xaa else { return false }
    let types = (0..<4).map { sector[446 + 16 * $0 + 4] }
    return types.contains(0xee) && types.contains { $0 != 0xee && $0 != 0 }
  }
}
