// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import Testing

@testable import lifeboat

/// What `install` decides by the computer's other disks, on machines that are fixtures.
@Suite struct InstallPlanTests {
  /// Such a disk keeps the boot order as it is, wherever the recovery goes.
  @Test func disksWithBitLockerAreFound() throws {
    let drives = try Machine.survey("usb-bitlocker").drives
    #expect(drives.count == 2 && drives.filter { $0.hasBitLocker }.map(\.path) == ["/dev/sdb"])
    #expect(try Machine.survey("laptop-usb-stick").drives.filter { $0.hasBitLocker }.isEmpty)
  }
}
