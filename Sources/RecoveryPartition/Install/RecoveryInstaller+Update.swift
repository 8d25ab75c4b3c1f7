// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
internal import BootAssembly
package import HostSystem
internal import Signing
internal import SystemPackage

extension RecoveryInstaller {
  /// What may be done by an update that somebody could not mean.
  package struct Consent: Sendable {
    /// A set that is older than the current one.
    package var downgrade = false
    /// A set of another image.
    package var otherImage = false
    /// A server's release that somebody has gone back from.
    package var declined = false

    /// Nothing of it.
    package init(downgrade: Bool = false, otherImage: Bool = false, declined: Bool = false) {
      (self.downgrade, self.otherImage, self.declined) = (downgrade, otherImage, declined)
    }
  }

  /// What an update has done.
  package struct Update: Sendable {
    /// The set that starts now.
    package var identifier: String
    /// The set that started before and stays; nil where there is none.
    package var previous: String?
    /// Bytes that were written to the disk, tables and folders included.
    package var written: ByteCount
    /// Files that were copied, and bytes of files that were there already.
    package var copied: [String]
    package var shared: ByteCount
    /// Whether anything had to be done.
    package var isNew: Bool
  }

  /// The public key that the installed recovery trusts; nil where it trusts any medium.
  /// - Throws: `RecoveryPartitionFailure.absent`.
  package func installedKey() throws -> [UInt8]? { try slots().key }

  /// Writes a set beside the current one, verifies it, and makes it current by one sector.
  ///
  /// The slot that is not current is replaced. Layers that are on the partition already are read and compared, not
  /// written. Loaders and chooser that differ give way before the switch, each by one sector. Whatever happens before
  /// the last write, the current slot starts as before; where that one is damaged or does not come up, the one before it.
  /// - Parameter key: the public key that media must be signed by from now on; nil leaves it as it is.
  /// - Throws: `RecoveryPartitionFailure`, `OperationFailure`, `ExternalCommand.Failure`.
  package func update(to set: RecoverySet, allowing consent: Consent, key: [UInt8]? = nil) async throws -> Update {
    let slots = try slots()
    let held = try disk.hold(slots.partition.number, at: slots.partition.start)
    defer { try? held?.close() }
    try check(set, against: slots, consent)
    try await set.requirePartitionStart()
    let files = try set.files(startedFrom: try Self.place(in: slots.volume))
    let entrance = try await newEntrance(of: set, slots) + newKey(key, slots)
    let (replaced, new) = (
      entrance.filter { slots.volume.nodes[$0.path] != nil }, entrance.filter { slots.volume.nodes[$0.path] == nil }
    )
    let missing = try files.filter { try !slots.isWhole($0.path, $0.digest) } + new
    let shared = files.filter { file in !missing.contains { $0.path == file.path } }
    let sharedSize = shared.reduce(ByteCount.zero) { $0 + $1.size }
    if missing.isEmpty, replaced.isEmpty,
      slots.state == SlotState(current: set.identifier, previous: slots.state.previous)
    {
      return Update(
        identifier: set.identifier, previous: slots.state.previous, written: .zero, copied: [], shared: sharedSize,
        isNew: false)
    }
    let removed = try await makeRoom(for: set, files, missing + replaced, in: try startingWhole(slots))
    let added = try await add(missing, of: set) + (await replace(replaced, of: set))
    let now = try self.slots()
    let damage = try now.damage(of: set.identifier)
    guard damage.isEmpty else { throw RecoveryPartitionFailure.slotDamaged(disk.path, files: damage) }
    let state = now.state.switched(to: set.identifier)
    try now.write(state)
    return Update(
      identifier: set.identifier, previous: state.previous, written: ByteCount(removed + added + 512),
      copied: (missing + replaced).map(\.path), shared: sharedSize, isNew: true)
  }

  /// Another key than the installed one.
  private func newKey(_ key: [UInt8]?, _ slots: InstalledSlots) -> [RecoverySet.File] {
    key.map { $0 == slots.key ? [] : [RecoverySet.File(InstalledSlots.keyPath, $0)] } ?? []
  }

  /// The slots with one as current that can be relied on: it is the one that stays.
  private func startingWhole(_ slots: InstalledSlots) throws -> InstalledSlots {
    let state = try slots.reliableState()
    guard state != slots.state else { return slots }
    try slots.write(state)
    return try self.slots()
  }

  private func check(_ set: RecoverySet, against slots: InstalledSlots, _ consent: Consent) throws {
    guard let record = slots.record(slots.state.current) else { return }
    if record.image != set.image, !consent.otherImage {
      throw RecoveryPartitionFailure.otherImage(installed: record.image, new: set.image)
    }
    if record.timestamp > set.timestamp, !consent.downgrade { throw RecoveryPartitionFailure.older(image: set.image) }
  }

  /// The slots of the disk's recovery partition.
  /// - Throws: `RecoveryPartitionFailure.absent`, `.volumeDamaged`.
  func slots() throws -> InstalledSlots {
    guard let partition = try DiskExamination(disk).recovery else {
      throw RecoveryPartitionFailure.absent(disk.path)
    }
    return try InstalledSlots(access, partition)
  }

  /// Mends what an interrupted update has left, and removes what neither the current slot nor the new set needs.
  /// - Returns: bytes written.
  private func makeRoom(
    for set: RecoverySet, _ files: [RecoverySet.File], _ missing: [RecoverySet.File], in slots: InstalledSlots
  ) async throws -> Int64 {
    // The same version again takes nobody's place.
    let staying = set.identifier == slots.state.current ? slots.state.slots : [slots.state.current]
    let keeps = Set(staying.flatMap(slots.files) + files.map(\.path))
    let surplus = slots.volume.files.filter { path in
      path.hasPrefix("lifeboat/") && path.dropFirst("lifeboat/".count).contains("/") && !keeps.contains(path)
    }
    let cluster = { (path: String) in Int64(slots.volume.nodes[path]?.clusters.count ?? 0) }
    let freed = surplus.reduce(0) { $0 + cluster($1) } * Int64(slots.volume.geometry.clusterSize)
    let needed = set.room(missing) + ByteCount.mebibytes(1)
    guard needed <= slots.volume.free + ByteCount(freed) else {
      throw RecoveryPartitionFailure.full(disk.path, needed: needed, free: slots.volume.free + ByteCount(freed))
    }
    // Nothing may point to what is going to be removed.
    if let previous = slots.state.previous, previous != set.identifier, !surplus.isEmpty {
      try slots.write(SlotState(current: slots.state.current, bad: slots.state.bad))
    }
    return try await staged(slots, set) { staged, _ in
      try await staged.mend()
      let mended = try staged.volume()
      try await staged.remove(files: surplus.filter { mended.nodes[$0] != nil })
      let emptied = try staged.volume()
      let empty = emptied.folders.filter { folder in
        folder.hasPrefix("lifeboat/") && !keeps.contains { $0.hasPrefix(folder + "/") }
      }
      try await staged.remove(folders: empty.filter { $0.split(separator: "/").count == 2 })
      try await staged.check()
      return try writer(slots).writeRemoval(staged)
    }
  }

  private func add(_ files: [RecoverySet.File], of set: RecoverySet) async throws -> Int64 {
    guard !files.isEmpty else { return 0 }
    let slots = try slots()
    return try await staged(slots, set, files) { staged, folder in
      progress(.started(step: "prepare", total: nil))
      try await add(files, of: set, to: staged, in: folder)
      try await staged.check()
      progress(.finished(step: "prepare", produced: nil))
      return try writer(slots).writeAddition(staged, to: slots.volume, files: files.map(\.path))
    }
  }

  /// Calls `body` with tables and folders of the volume in a file, for adding files of a set to them.
  func staged(
    _ slots: InstalledSlots, _ set: RecoverySet, _ files: [RecoverySet.File] = [],
    _ body: (StagedVolume, FilePath) async throws -> Int64
  ) async throws -> Int64 {
    let size = slots.partition.size.bytes
    let needed = StagedVolume.tables(of: size) + set.room(files) + (files.map(\.size).max() ?? .zero)
    return try await StagedVolume.withFolder(needing: needed) { folder in
      let staged = try StagedVolume(in: folder, size: size, timestamp: set.timestamp)
      try staged.load(DiskPart(disk: access, start: slots.partition.start.bytes))
      return try await body(staged, folder)
    }
  }

  func writer(_ slots: InstalledSlots) -> VolumeWriter {
    VolumeWriter(disk: access, start: slots.partition.start.bytes, progress: progress)
  }

  /// Makes the slot before current again.
  /// - Returns: the identifier of the set that starts now.
  /// - Throws: `RecoveryPartitionFailure.noPrevious`, `.slotDamaged`.
  package func rollBack() throws -> String {
    let slots = try slots()
    let held = try disk.hold(slots.partition.number, at: slots.partition.start)
    defer { try? held?.close() }
    guard let previous = slots.state.previous else { throw RecoveryPartitionFailure.noPrevious(disk.path) }
    let damage = try slots.damage(of: previous)
    guard damage.isEmpty else { throw RecoveryPartitionFailure.slotDamaged(disk.path, files: damage) }
    try slots.write(slots.state.switched(to: previous))
    return previous
  }
}
