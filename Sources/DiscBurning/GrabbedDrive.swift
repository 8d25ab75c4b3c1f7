// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import CISOBurn
internal import HostSystem

/// A drive that is ours alone until it is released; lives on the thread of libburn, within `BurnLibrary.session`.
final class GrabbedDrive {
  private let infos: UnsafeMutablePointer<burn_drive_info>
  private var isReleased = false
  /// Its handle, for `BurnJob`.
  let handle: OpaquePointer
  /// `/dev/sr0` or `stdio:PATH`.
  let address: String

  /// Sectors of a disc have this many bytes.
  static let sector = 2048

  /// Opens a drive and closes its tray.
  /// - Throws: `DiscBurner.Failure.silent`.
  init(_ address: String) throws {
    self.address = address
    _ = BurnLibrary.messages()
    var infos: UnsafeMutablePointer<burn_drive_info>?
    let code = withMutableCString(address) { burn_drive_scan_and_grab(&infos, $0, 1) }
    guard code == 1, let infos else {
      let said = BurnLibrary.problems().joined(separator: "; ")
      throw DiscBurner.Failure.silent(drive: address, said: said)
    }
    guard let handle = infos.pointee.drive else {
      burn_drive_info_free(infos)
      throw DiscBurner.Failure.silent(drive: address, said: "")
    }
    self.infos = infos
    self.handle = handle
  }

  deinit { release(ejecting: false) }

  /// Gives the drive back.
  func release(ejecting: Bool) {
    guard !isReleased else { return }
    isReleased = true
    burn_drive_release(handle, ejecting ? 1 : 0)
    burn_drive_info_free(infos)
  }

  /// What the drive says about itself and its disc.
  func describe() -> OpticalDrive {
    let info = infos.pointee
    let isFile = burn_drive_get_drive_role(handle) != 1
    var drive = OpticalDrive(
      address: address,
      vendor: withUnsafeBytes(of: info.vendor) { BurnLibrary.string($0.map { CChar(bitPattern: $0) }) },
      model: withUnsafeBytes(of: info.product) { BurnLibrary.string($0.map { CChar(bitPattern: $0) }) },
      revision: withUnsafeBytes(of: info.revision) { BurnLibrary.string($0.map { CChar(bitPattern: $0) }) })
    drive.writes = isFile ? [DiscProfile(0xFFFF)] : writableProfiles()
    drive.medium = medium(isFile: isFile)
    return drive
  }

  private func writableProfiles() -> [DiscProfile] {
    var count: Int32 = 0
    var numbers = [Int32](repeating: 0, count: 64)
    var current = [CChar](repeating: 0, count: 64)
    guard burn_drive_get_all_profiles(handle, &count, &numbers, &current) > 0 else { return [] }
    return numbers.prefix(Int(count)).map { DiscProfile(Int($0)) }.filter { $0.nature != .readOnly }
  }

  private func medium(isFile: Bool) -> OpticalMedium? {
    var number: Int32 = 0
    var name = [CChar](repeating: 0, count: 80)
    let status = burn_disc_get_status(handle)
    guard burn_disc_get_profile(handle, &number, &name) == 1, number != 0, status != BURN_DISC_EMPTY else { return nil }
    let profile = DiscProfile(Int(number))
    var medium = OpticalMedium(profile: profile, state: Self.state(status), capacity: nil)
    // Role 4: a file that cannot be written.
    if isFile, burn_drive_get_drive_role(handle) == 4 { medium.state = .protected }
    medium.isFormatted = isFile || formatStatus() != BURN_FORMAT_IS_UNFORMATTED
    medium.capacity = capacity(medium)
    medium.canSimulate = canSimulate()
    medium.speeds = speeds()
    if profile.nature == .overwriteable, medium.isFormatted { medium.holdsData = holdsData() }
    return medium
  }

  private static func state(_ status: burn_disc_status) -> OpticalMedium.State {
    switch status {
    case BURN_DISC_BLANK: .blank
    case BURN_DISC_APPENDABLE: .appendable
    case BURN_DISC_FULL: .closed
    default: .unusable
    }
  }

  private func formatStatus() -> Int32 {
    var status: Int32 = 0
    var size: off_t = 0
    var unused: UInt32 = 0
    var count: Int32 = 0
    return burn_disc_get_formats(handle, &status, &size, &unused, &count) > 0 ? status : BURN_FORMAT_IS_UNKNOWN
  }

  /// A used disc says how much it takes only once it is blank, other than a CD-RW, whose groove tells (ATIP).
  private func capacity(_ medium: OpticalMedium) -> ByteCount? {
    let free = Int64(burn_disc_available_space(handle, nil))
    if medium.state == .blank { return ByteCount(free) }
    var (start, end): (Int32, Int32) = (0, 0)
    guard medium.profile == DiscProfile(0x0A), burn_disc_read_atip(handle) > 0,
      burn_drive_get_start_end_lba(handle, &start, &end, 0) > 0, end > 0
    else { return nil }
    return ByteCount(Int64(end) * Int64(Self.sector))
  }

  private func canSimulate() -> Bool {
    var capabilities: UnsafeMutablePointer<burn_multi_caps>?
    guard burn_disc_get_multi_caps(handle, BURN_WRITE_NONE, &capabilities, 0) > 0, let found = capabilities else {
      return false
    }
    defer { burn_disc_free_multi_caps(&capabilities) }
    return found.pointee.might_simulate != 0
  }

  private func speeds() -> [Int] {
    var list: UnsafeMutablePointer<burn_speed_descriptor>?
    guard burn_drive_get_speedlist(handle, &list) > 0 else { return [] }
    defer { burn_drive_free_speedlist(&list) }
    var speeds: Set<Int> = []
    var next = list
    while let entry = next {
      if entry.pointee.write_speed > 0 { speeds.insert(Int(entry.pointee.write_speed)) }
      next = entry.pointee.next
    }
    return speeds.sorted()
  }

  /// Whether an overwriteable disc has anything in its first MiB, where every file system has something. What is
  /// formatted and cannot be read may hold something too.
  private func holdsData() -> Bool {
    var blocks: Int32 = 0
    guard burn_get_read_capacity(handle, &blocks, 0) > 0, blocks > 0 else { return holdsPartOfASector() }
    let (bytes, isWhole) = read(at: 0, count: min(1 << 20, Int(blocks) * Self.sector))
    return !isWhole || bytes.contains { $0 != 0 }
  }

  /// A file of less than a sector has no block that libburn would read.
  private func holdsPartOfASector() -> Bool {
    guard address.hasPrefix(DriveSearch.filePrefix) else { return false }
    return DriveSearch.size(ofFileAt: address) > 0
  }

  /// Reads sectors, and each of them once more when they cannot be read together.
  /// - Returns: the bytes up to the first that cannot be read.
  func read(at offset: Int64, count: Int) -> (bytes: [UInt8], isWhole: Bool) {
    var bytes = [UInt8](repeating: 0, count: count)
    var done: off_t = 0
    let code = bytes.withUnsafeMutableBytes { buffer in
      // Bit 1: no message for what the caller reports itself.
      burn_read_data(
        handle, off_t(offset), buffer.baseAddress?.assumingMemoryBound(to: CChar.self), off_t(count), &done, 2)
    }
    let valid = code == 1 ? count : max(0, min(count, Int(done)))
    return (Array(bytes.prefix(valid)), valid == count)
  }
}
