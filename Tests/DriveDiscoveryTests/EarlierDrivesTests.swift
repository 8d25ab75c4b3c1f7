// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import Testing

@testable import DriveDiscovery

/// A stick as one look at the machine sees it.
private struct Stick {
  var name: String
  var serial: String? = "S1"
  var wwid: String?
  var model = "Ultra"
  var size: Int64 = 32 << 30
  var port = "1-2"
  var sequence: UInt64 = 1

  var device: BlockDevice {
    let minor = UInt32(name.utf8.last ?? 97) - 97
    var device = BlockDevice(
      name: name, number: DeviceNumber(major: 8, minor: minor * 16),
      location: "pci0000:00/0000:00:14.0/usb1/\(port)/\(port):1.0/host6/target6:0:0/6:0:0:0/block/\(name)",
      size: ByteCount(size))
    device.hardware = .init(vendor: "SanDisk", model: model, wwid: wwid, type: "0", driver: "usb-storage")
    device.usb = .init(serial: serial)
    device.sequence = sequence
    return device
  }
}

@Suite struct EarlierDrivesTests {
  private func survey(_ sticks: [Stick]) -> DriveSurvey {
    DriveSurvey(MachineDescription(devices: sticks.map(\.device)))
  }

  /// What is taken for an earlier drive when `now` follows `before`; judged is the last one of `now`.
  private func mark(_ before: [Stick], _ now: [Stick], _ name: String) throws -> EarlierDrives.Mark? {
    var earlier = EarlierDrives()
    earlier.remember(survey(before))
    let next = survey(now)
    return earlier.mark(of: try #require(next.drives.first { $0.path == "/dev/\(name)" }), in: next)
  }

  @Test func whatVanishedAndReturnsIsKnownAgain() throws {
    let stick = Stick(name: "sdb")
    // After a hub's reset: another name and number, the same port; or another port, and even another size.
    #expect(try mark([stick], [Stick(name: "sdc", sequence: 2)], "sdc") == .serial)
    #expect(try mark([stick], [Stick(name: "sdb", size: 1 << 30, port: "2-1", sequence: 2)], "sdb") == .serial)
    let named = Stick(name: "sdb", serial: nil, wwid: "naa.5000c500a1b2c3d4")
    #expect(
      try mark(
        [named], [Stick(name: "sdc", serial: nil, wwid: "naa.5000c500a1b2c3d4", port: "1-4", sequence: 2)], "sdc")
        == .wwn)
    let nameless = Stick(name: "sdb", serial: nil)
    #expect(try mark([nameless], [Stick(name: "sdb", serial: nil, model: "Other", sequence: 2)], "sdb") == .port)
    // A stick that falls back to USB 2 hangs on another bus.
    #expect(try mark([nameless], [Stick(name: "sdb", serial: nil, port: "2-4", sequence: 2)], "sdb") == .model)
    // A stick that tells its serial number one time and not the next.
    #expect(try mark([stick], [Stick(name: "sdb", serial: nil, sequence: 2)], "sdb") == .port)
    #expect(try mark([nameless], [Stick(name: "sdb", sequence: 2)], "sdb") == .port)
  }

  @Test func whatTrulyComesIsNew() throws {
    let stick = Stick(name: "sdb")
    #expect(try mark([], [stick], "sdb") == nil)
    #expect(try mark([stick], [Stick(name: "sdb", serial: "S2", sequence: 2)], "sdb") == nil, "on the same port")
    // The maker gave all sticks one serial number: the earlier one stands where it stood.
    #expect(try mark([stick], [stick, Stick(name: "sdc", port: "1-3", sequence: 2)], "sdc") == nil)
    let nameless = Stick(name: "sdb", serial: nil)
    #expect(try mark([nameless], [nameless, Stick(name: "sdc", serial: nil, port: "1-3", sequence: 2)], "sdc") == nil)
    #expect(try mark([nameless], [Stick(name: "sdc", serial: nil, model: "X", port: "1-3", sequence: 2)], "sdc") == nil)
    // An empty slot is no drive.
    #expect(try mark([Stick(name: "sdb", size: 0)], [Stick(name: "sdb", sequence: 2)], "sdb") == nil)
  }

  /// However often it vanishes, and in whatever state it is when another one of its make comes.
  @Test func whatReturnedIsRememberedAsItIs() throws {
    var earlier = EarlierDrives()
    earlier.remember(survey([Stick(name: "sdb")]))
    for sequence in 2...4 as ClosedRange<UInt64> {
      let now = survey([Stick(name: "sdc", port: "1-\(sequence)", sequence: sequence)])
      #expect(earlier.mark(of: try #require(now.drives.first), in: now) == .serial)
    }
    let standing = Stick(name: "sdc", port: "1-4", sequence: 4)
    let now = survey([standing, Stick(name: "sdd", port: "1-9", sequence: 9)])
    #expect(earlier.mark(of: try #require(now.drives.last), in: now) == nil)
  }
}
