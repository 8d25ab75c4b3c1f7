// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import Testing

@testable import MediumWriting

@Suite struct CivilTimeTests {
  /// Leap days, ends of years and centuries, and the ends of the range; date(1) is the judge.
  @Test func agreesWithDate() async throws {
    var times: [Int64] = [
      0, 1, 86_399, 86_400, 951_782_399, 951_782_400, 951_868_800, 1_709_164_800, 1_709_251_199, 1_767_323_045,
      4_102_444_799, 4_107_542_399, 4_107_542_400, CivilTime.representable.upperBound,
    ]
    times += (0..<200).map { $0 * 29_347_919 }
    for time in times {
      let judged = try await ExternalCommand("date", ["-u", "-d", "@\(time)", "+%Y%m%d%H%M%S00"]).text()
      #expect(CivilTime.volumeDescriptorText(time) + "\n" == judged)
    }
  }
}
