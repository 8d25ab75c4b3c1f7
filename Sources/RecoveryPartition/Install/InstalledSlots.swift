// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
internal import BootAssembly
internal import HostSystem
internal import Signing
internal import SystemPackage

/// The recovery partition of a disk, with its slots.
struct InstalledSlots {
  let disk: any DiskAccess
  let partition: DiskLayout.Partition
  let volume: FATVolume
  let state: SlotState

  /// A public key that media must be signed by.
  static let keyPath = "lifeboat/site-key.pub"
  /// The menu that chooses between the slots.
  static let chooserPath = "boot/grub/grub.cfg"

  /// Reads what is there.
  /// - Throws: `DiskFailure.volumeDamaged`; `OperationFailure`.
  init(_ disk: any DiskAccess, _ partition: DiskLayout.Partition) throws {
    (self.disk, self.partition) = (disk, partition)
    volume = try FATVolume(DiskPart(disk: disk, start: partition.start.bytes), isLenient: true)
    let block = volume.nodes[SlotState.path] == nil ? [] : try volume.content(of: SlotState.path)
    if let state = SlotState(block) {
      self.state = state
    } else {
      // A slot that is there is better than none: GRUB takes the same.
      let sets = Self.sets(in: volume)
      guard block.count == SlotState.size, let set = sets.last else {
        throw DiskFailure.volumeDamaged(reason: "it has no version that could be started")
      }
      state = SlotState(current: set, previous: sets.dropLast().last)
    }
  }

  /// The identifiers of sets that have a menu, sorted.
  static func sets(in volume: FATVolume) -> [String] {
    volume.folders.filter { $0.hasPrefix("lifeboat/") }.map { String($0.dropFirst("lifeboat/".count)) }
      .filter { RecoverySet.isIdentifier($0) && volume.nodes["lifeboat/\($0)/\(PartitionMenu.name)"] != nil }
  }

  /// The key of the installed recovery.
  var key: [UInt8]? { try? volume.content(of: Self.keyPath) }

  /// The record of a slot.
  func record(_ identifier: String) -> MediumRecord? {
    guard let bytes = try? volume.content(of: "\(RecoverySet.folder(identifier))/\(MediumRecord.path)") else {
      return nil
    }
    return try? MediumRecord(decoding: bytes)
  }

  /// Every file that a slot is made of, layers included.
  func files(of identifier: String) -> [String] {
    let own = volume.files.filter { $0.hasPrefix(RecoverySet.folder(identifier) + "/") }
    return own + lists(of: identifier).flatMap(\.lines).map(\.path).filter { $0.hasPrefix(RecoverySet.layerFolder) }
  }

  private func lists(of identifier: String) -> [SlotList] {
    volume.files.filter { $0.hasPrefix(RecoverySet.folder(identifier) + "/") && $0.hasSuffix("/\(SlotList.name)") }
      .compactMap { path in (try? volume.content(of: path)).flatMap { SlotList(String(decoding: $0, as: UTF8.self)) } }
  }

  /// A file of either slot that has this content, as the slots' lists say.
  func path(of digest: Digest) -> String? {
    state.slots.lazy.flatMap { lists(of: $0) }.flatMap(\.lines).first { $0.digest == digest }?.path
  }

  /// What of a slot is not as its lists say, by reading all of it; empty where it is whole.
  func damage(of identifier: String) throws -> [String] {
    let lists = lists(of: identifier)
    guard !lists.isEmpty, volume.nodes["\(RecoverySet.folder(identifier))/\(PartitionMenu.name)"] != nil else {
      return ["\(RecoverySet.folder(identifier)) is not complete"]
    }
    return try Set(lists.flatMap(\.lines).map { DigestedPath(path: $0.path, digest: $0.digest) })
      .sorted { $0.path < $1.path }.filter { try !isWhole($0.path, $0.digest) }.map(\.path)
  }

  /// The state in which the version before is the current one, where the current one is damaged or did not come up at its
  /// last start, and the other one is whole; otherwise the state as it is.
  func reliableState() throws -> SlotState {
    guard let previous = state.previous else { return state }
    let isDoubted = state.previous != state.bad && [state.bad, state.trying].contains(state.current)
    guard try isDoubted || !damage(of: state.current).isEmpty, try damage(of: previous).isEmpty else { return state }
    return SlotState(current: previous, previous: state.current, bad: state.current)
  }

  private struct DigestedPath: Hashable {
    var path: String
    var digest: Digest
  }

  /// Whether a file is there with this content.
  func isWhole(_ path: String, _ digest: Digest) throws -> Bool {
    guard volume.nodes[path]?.isFolder == false else { return false }
    do { return try volume.digest(of: path) == digest } catch is DiskFailure { return false }
  }

  /// Where the state lies on the disk.
  private var statePlace: Int64? {
    volume.ranges(of: SlotState.path).first.map { partition.start.bytes + $0.lowerBound }
  }

  /// Changes which slot starts: the first sector of one file, in place. Everything that it names has to be on the disk.
  func write(_ state: SlotState) throws {
    guard let place = statePlace else {
      throw DiskFailure.volumeDamaged(reason: "\(SlotState.path) is not there")
    }
    // What follows is padding, and stays.
    let sector = Array(state.block.prefix(512))
    let found = try disk.bytes(place..<place + Int64(SlotState.size))
    // A block that is torn has to be made whole all over.
    try disk.write(SlotState(found) == nil ? state.block : sector, at: place)
    try disk.flush()
    guard SlotState(try disk.bytes(place..<place + Int64(SlotState.size))) == state else {
      throw DiskFailure.verify(disk.path, offset: ByteCount(place))
    }
  }
}
