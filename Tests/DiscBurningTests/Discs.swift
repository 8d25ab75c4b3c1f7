// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem

@testable import DiscBurning

/// Drives and discs as they are met.
enum Discs {
  /// All that a good writer of its time takes.
  static let everything = [0x09, 0x0A, 0x11, 0x12, 0x13, 0x14, 0x15, 0x1A, 0x1B, 0x2B, 0x41, 0x43].map(DiscProfile.init)

  static func writer(_ medium: OpticalMedium?, address: String = "/dev/sr0") -> OpticalDrive {
    OpticalDrive(
      address: address, vendor: "HL-DT-ST", model: "BD-RE BH16NS55", revision: "1.02", writes: everything,
      medium: medium)
  }

  static let cdr = OpticalMedium(
    profile: DiscProfile(0x09), state: .blank, capacity: ByteCount(736_966_656), canSimulate: true,
    speeds: [2822, 5645, 8467])
  static let blankCDRW = OpticalMedium(
    profile: DiscProfile(0x0A), state: .blank, capacity: ByteCount(736_966_656), canSimulate: true)
  static let usedCDRW = OpticalMedium(
    profile: DiscProfile(0x0A), state: .closed, capacity: ByteCount(736_966_656), canSimulate: true)
  static let appendableCDR = OpticalMedium(profile: DiscProfile(0x09), state: .appendable, capacity: nil)
  static let dvdr = OpticalMedium(
    profile: DiscProfile(0x11), state: .blank, capacity: ByteCount(4_707_319_808), canSimulate: true)
  static let closedDVDR = OpticalMedium(profile: DiscProfile(0x11), state: .closed, capacity: nil)
  static let usedDVDRW = OpticalMedium(profile: DiscProfile(0x14), state: .appendable, capacity: nil)
  static let dvdPlusR = OpticalMedium(profile: DiscProfile(0x1B), state: .blank, capacity: ByteCount(4_700_372_992))
  static let newDVDPlusRW = OpticalMedium(
    profile: DiscProfile(0x1A), state: .blank, isFormatted: false, capacity: ByteCount(4_700_372_992))
  static let usedDVDPlusRW = OpticalMedium(
    profile: DiscProfile(0x1A), state: .blank, holdsData: true, capacity: ByteCount(4_700_372_992))
  static let dvdRAM = OpticalMedium(profile: DiscProfile(0x12), state: .blank, capacity: ByteCount(4_700_372_992))
  static let protectedDVDRAM = OpticalMedium(
    profile: DiscProfile(0x12), state: .protected, capacity: ByteCount(4_700_372_992))
  static let bdr = OpticalMedium(profile: DiscProfile(0x41), state: .blank, capacity: ByteCount(25_025_314_816))
  static let newBDRE = OpticalMedium(
    profile: DiscProfile(0x43), state: .blank, isFormatted: false, capacity: ByteCount(24_220_008_448))
  static let usedBDRE = OpticalMedium(
    profile: DiscProfile(0x43), state: .blank, holdsData: true, capacity: ByteCount(24_220_008_448))
  static let dvdROM = OpticalMedium(profile: DiscProfile(0x10), state: .closed, capacity: nil)
  static let unusable = OpticalMedium(profile: DiscProfile(0x42), state: .unusable, capacity: nil)
}
