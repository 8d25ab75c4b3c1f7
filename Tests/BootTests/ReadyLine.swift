// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation

/// The line that a started image prints for machines.
struct ReadyLine: Decodable {
  static let mark = "LIFEBOAT-READY "

  var image: String
  var architecture: String
  var id: String
  var medium: String
  var firmware: String
  var secureBoot: String
  var layers: [String: String]

  /// Reads a line of the console.
  init(_ line: String) throws {
    let start = line.range(of: Self.mark)?.upperBound ?? line.startIndex
    self = try JSONDecoder().decode(ReadyLine.self, from: Data(line[start...].utf8))
  }
}
