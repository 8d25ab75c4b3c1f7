// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
internal import HostSystem
internal import MediumReading
internal import SystemPackage

/// Finds drives for discs as the kernel lists them, and what stands in the way of using one.
///
/// libburn's own search opens every drive at once and says little about those that it cannot have.
package struct DriveSearch: Sendable {
  /// Where sysfs shows block devices, the device files lie, and the mounts are listed.
  var blockDevices: FilePath = "/sys/class/block"
  var devices: FilePath = "/dev"
  var mounts: FilePath = "/proc/self/mounts"

  package init() {}

  /// How libburn addresses a file in a drive's place.
  static let filePrefix = "stdio:"

  /// `/dev/sr0` and so on, in order.
  func addresses() -> [String] {
    FileTree.names(in: blockDevices).filter(Self.isOptical).sorted { ($0.count, $0) < ($1.count, $1) }
      .map { devices.appending($0).string }
  }

  private static func isOptical(_ name: String) -> Bool {
    name.hasPrefix("sr") && name.count > 2 && name.dropFirst(2).allSatisfy(\.isNumber)
  }

  /// Turns what a person names into the address of a drive.
  /// - Throws: `DiscBurner.Failure.noSuchDrive`.
  func resolve(_ name: String) throws(DiscBurner.Failure) -> String {
    if name.hasPrefix(Self.filePrefix) { return try Self.resolveFile(name) }
    guard let path = FileTree.resolved(FilePath(name)) else {
      throw .noSuchDrive(address: name, reason: "does not exist")
    }
    guard path.removingLastComponent() == devices, let last = path.lastComponent?.string, Self.isOptical(last) else {
      throw .noSuchDrive(address: name, reason: "is not a disc drive")
    }
    return path.string
  }

  /// A regular file, a block device, or a file to be made: libburn would take a folder or a pipe too.
  private static func resolveFile(_ address: String) throws(DiscBurner.Failure) -> String {
    let path = FilePath(String(address.dropFirst(filePrefix.count)))
    guard path.lastComponent != nil else { throw .noSuchDrive(address: address, reason: "names no file") }
    let parent = path.removingLastComponent()
    let isNew = (try? FileStatus(path, followingLinks: true)) == nil
    if isNew, (try? FileStatus(parent.isEmpty ? "." : parent, followingLinks: true))?.kind != .folder {
      throw .noSuchDrive(address: address, reason: "lies in no folder")
    }
    guard isNew || isFileOrBlockDevice(path) else {
      throw .noSuchDrive(address: address, reason: "is neither a file nor a block device")
    }
    return address
  }

  private static func isFileOrBlockDevice(_ path: FilePath) -> Bool {
    guard let descriptor = try? FileDescriptor.open(path, .readOnly, options: [.nonBlocking, .closeOnExec]) else {
      // What cannot be opened is reported when it is written to.
      return (try? FileStatus(path, followingLinks: true))?.kind == .file
    }
    defer { try? descriptor.close() }
    return (try? OpenedFile(borrowing: descriptor)) != nil
  }

  /// How long the file of a `stdio:` address is; zero when there is none.
  static func size(ofFileAt address: String) -> Int64 {
    (try? FileStatus(FilePath(String(address.dropFirst(filePrefix.count))), followingLinks: true))?.size.bytes ?? 0
  }

  /// Whether the file of a `stdio:` address is there.
  static func exists(_ address: String) -> Bool {
    (try? FileStatus(FilePath(String(address.dropFirst(filePrefix.count))), followingLinks: false)) != nil
  }

  /// Removes the file of a `stdio:` address if nothing is in it.
  static func removeEmptyFile(_ address: String) {
    guard exists(address), size(ofFileAt: address) == 0 else { return }
    FileTree.remove(FilePath(String(address.dropFirst(filePrefix.count))))
  }

  /// What stands in the way of using a drive, found by opening it for an instant.
  func obstacle(_ address: String) -> OpticalDrive.Obstacle? {
    guard !address.hasPrefix(Self.filePrefix) else { return nil }
    do {
      // O_EXCL on a block device: nobody else holds it, and nothing of it is mounted.
      try FileDescriptor.open(
        FilePath(address), .readWrite, options: [.nonBlocking, .exclusiveCreate, .closeOnExec]
      ).close()
      return nil
    } catch Errno.resourceBusy {
      return .busy(mountedAt: mountPoint(of: address))
    } catch Errno.permissionDenied, Errno.notPermitted {
      return .noPermission
    } catch {
      return .silent(said: "\(error)")
    }
  }

  /// Where a device is mounted.
  func mountPoint(of address: String) -> String? {
    guard let text = try? FileTree.text(of: mounts) else { return nil }
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ")
      if fields.count > 1, fields[0] == address { return String(fields[1]).replacing("\\040", with: " ") }
    }
    return nil
  }

  /// What sysfs says about a drive that cannot be opened.
  func describe(_ address: String, _ obstacle: OpticalDrive.Obstacle) -> OpticalDrive {
    let folder = blockDevices.appending(FilePath(address).lastComponent?.string ?? "").appending("device")
    func text(_ name: String) -> String {
      let text = (try? FileTree.text(of: folder.appending(name))) ?? ""
      return String(text.reversed().drop(while: \.isWhitespace).reversed())
    }
    return OpticalDrive(
      address: address, vendor: text("vendor"), model: text("model"), revision: text("rev"), obstacle: obstacle)
  }
}
