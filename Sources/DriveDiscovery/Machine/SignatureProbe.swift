// SPDX-License-Identifier: GPL-3.0-or-later
internal import CBlkid
@preconcurrency internal import Glibc
internal import HostSystem
internal import SystemPackage

/// libblkid's look at a device or an image file; reads only.
struct SignatureProbe {
  private let descriptor: FileDescriptor

  /// What is on a device; never throws, what went wrong is part of the answer.
  /// - Parameter hasDevice: whether the kernel has made a device of the partition that starts at this byte; the content
  ///   of the others is looked at here.
  static func read(_ path: FilePath, hasDevice: (ByteCount) -> Bool = { _ in false }) -> Probe {
    do {
      // O_NONBLOCK: an empty reader or a drive that is still starting must not hold us up.
      let descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
      return try descriptor.closeAfter { try SignatureProbe(descriptor: descriptor).whole(hasDevice) }
    } catch let error as Errno {
      switch error {
      case .permissionDenied, .notPermitted: return Probe(source: .denied)
      case Errno(rawValue: ENOMEDIUM): return Probe(source: .skipped)
      default: return Probe(source: .failed, error: "\(error)")
      }
    } catch {
      return Probe(source: .failed, error: "\(error)")
    }
  }

  /// The same by a descriptor that is open already and reads at any offset; partitions are all looked at here.
  static func read(_ descriptor: FileDescriptor) -> Probe {
    do { return try SignatureProbe(descriptor: descriptor).whole { _ in false } } catch {
      return Probe(source: .failed, error: "\(error)")
    }
  }

  private func whole(_ hasDevice: (ByteCount) -> Bool) throws -> Probe {
    try withProbe(start: 0, size: 0) { probe in
      var result = try content(of: probe)
      guard var table = result.table else { return result }
      blkid_reset_probe(probe)
      table.entries = entries(of: probe).map { entry in
        var entry = entry
        if !hasDevice(entry.start) {
          let found = try? withProbe(start: entry.start.bytes, size: entry.size.bytes) { try content(of: $0) }
          entry.signatures = found?.signatures
        }
        return entry
      }
      result.table = table
      return result
    }
  }

  /// A probe of a stretch of the device; all of it, if the size is zero.
  private func withProbe<Result>(start: Int64, size: Int64, _ body: (blkid_probe) throws -> Result) throws -> Result {
    guard let probe = blkid_new_probe() else { throw Errno.noMemory }
    defer { blkid_free_probe(probe) }
    errno = 0
    guard blkid_probe_set_device(probe, descriptor.rawValue, start, size) == 0 else {
      throw errno == 0 ? Errno.ioError : Errno(rawValue: errno)
    }
    blkid_probe_enable_superblocks(probe, 1)
    blkid_probe_set_superblocks_flags(
      probe, BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID | BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE)
    blkid_probe_enable_partitions(probe, 1)
    return try body(probe)
  }

  private func content(of probe: blkid_probe) throws -> Probe {
    errno = 0
    switch blkid_do_safeprobe(probe) {
    case 0: return Probe(signatures: signature(of: probe).map { [$0] } ?? [], table: table(of: probe))
    case 1: return Probe()
    case -2: return everything(on: probe)
    default: throw errno == 0 ? Errno.ioError : Errno(rawValue: errno)
    }
  }

  /// All that contradicts itself, one find after the other.
  private func everything(on probe: blkid_probe) -> Probe {
    blkid_reset_probe(probe)
    var result = Probe(isAmbivalent: true)
    while blkid_do_probe(probe) == 0 {
      if let found = signature(of: probe), !result.signatures.contains(found) { result.signatures.append(found) }
      if result.table == nil { result.table = table(of: probe) }
    }
    return result
  }

  private func signature(of probe: blkid_probe) -> Probe.Signature? {
    value("TYPE", of: probe).map {
      Probe.Signature(
        type: $0, usage: value("USAGE", of: probe), label: value("LABEL", of: probe), uuid: value("UUID", of: probe))
    }
  }

  private func table(of probe: blkid_probe) -> Probe.Table? {
    value("PTTYPE", of: probe).map { Probe.Table(type: $0, uuid: value("PTUUID", of: probe)) }
  }

  private func entries(of probe: blkid_probe) -> [Probe.Entry] {
    guard let list = blkid_probe_get_partitions(probe) else { return [] }
    return (0..<blkid_partlist_numof_partitions(list)).compactMap { index in
      guard let partition = blkid_partlist_get_partition(list, index), blkid_partition_is_extended(partition) == 0
      else {
        return nil
      }
      // An MBR's type is a number only.
      let type =
        text(blkid_partition_get_type_string(partition))
        ?? "0x" + String(UInt32(bitPattern: blkid_partition_get_type(partition)), radix: 16)
      // The library counts in 512 bytes, whatever the device does.
      return Probe.Entry(
        index: Int(blkid_partition_get_partno(partition)), start: ByteCount(blkid_partition_get_start(partition) << 9),
        size: ByteCount(blkid_partition_get_size(partition) << 9), type: type,
        name: text(blkid_partition_get_name(partition)), uuid: text(blkid_partition_get_uuid(partition)))
    }
  }

  private func value(_ name: String, of probe: blkid_probe) -> String? {
    var text: UnsafePointer<CChar>?
    guard blkid_probe_lookup_value(probe, name, &text, nil) == 0 else { return nil }
    return self.text(text)
  }

  /// The library's strings end with the probe: they are copied.
  private func text(_ pointer: UnsafePointer<CChar>?) -> String? {
    pointer.map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }
}
