// SPDX-License-Identifier: GPL-3.0-or-later

/// A moment as ISO 9660 writes it, always in GMT so that the host's time zone leaves no trace.
enum CivilTime {
  /// 1970 to the end of 2155, which is 1900 + 255 (ECMA-119, 9.1.5).
  static let representable: ClosedRange<Int64> = 0...5_869_583_999

  /// `YYYYMMDDhhmmsscc`, as volume descriptors have it (ECMA-119, 8.4.26.1).
  static func volumeDescriptorText(_ timestamp: Int64) -> String {
    let (year, month, day) = date(ofDay: timestamp / 86_400)
    let second = timestamp % 86_400
    return digits(year, 4) + digits(month, 2) + digits(day, 2) + digits(second / 3600, 2)
      + digits(second / 60 % 60, 2) + digits(second % 60, 2) + "00"
  }

  /// The Gregorian date of a day counted from 1970-01-01. Years begin in March here, so that the leap day is the
  /// last of its year and month lengths follow one formula.
  private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let sinceEpoch = day + 719_468
    let era = sinceEpoch / 146_097
    let dayOfEra = sinceEpoch % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }

  private static func digits(_ value: Int64, _ count: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }
}
