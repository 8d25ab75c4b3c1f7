// SPDX-License-Identifier: GPL-3.0-or-later
internal import FoundationEssentials
internal import HostSystem
public import NetworkBootProtocol

/// One thing that an administrator said about a machine at run time: what it is, or which image it has.
public struct KeptMachine: Sendable, Hashable {
  /// Which machine.
  public var match: MachineMatch
  /// What it is, if that was said.
  public var standing: KnownMachine.Standing?
  /// Its image, if that was said.
  public var image: String?
  /// Who said it.
  public var by: String
  /// When, in seconds of Unix time.
  public var time: Int64

  /// Keeps what was said.
  public init(_ match: MachineMatch, standing: KnownMachine.Standing?, image: String?, by: String, time: Int64) {
    (self.match, self.standing, self.image, self.by, self.time) = (match, standing, image, by, time)
  }
}

/// The file in which that outlives the service.
public enum MachineFile {
  /// The version of this format.
  static let format = 1
  /// The most bytes that are read; all that can be kept has about 2 MB.
  public static let longest: Int64 = 8 << 20

  private struct Document: Codable {
    var format: Int
    var machines: [Entry]

    enum CodingKeys: String, CodingKey {
      case format = "lifeboat-machines"
      case machines
    }
  }

  private struct Entry: Codable {
    var mac: String?
    var uuid: String?
    var standing: KnownMachine.Standing?
    var image: String?
    var by: String
    var time: Int64
  }

  /// The bytes of the file.
  /// - Throws: `EncodingError`.
  public static func bytes(_ machines: [KeptMachine]) throws -> [UInt8] {
    let entries = machines.map {
      Entry(
        mac: $0.match.hardware?.description, uuid: $0.match.machine?.description, standing: $0.standing,
        image: $0.image, by: $0.by, time: $0.time)
    }
    return Array((try StableJSON.text(Document(format: format, machines: entries)) + "\n").utf8)
  }

  /// Reads the file.
  /// - Throws: `.damagedRegister`.
  public static func machines(
    _ bytes: [UInt8], file: String
  ) throws(NetworkBootPolicyFailure) -> [KeptMachine] {
    guard let document = try? JSONDecoder().decode(Document.self, from: Data(bytes)) else {
      throw .damagedRegister(file: file, reason: "it is not what Lifeboat writes there")
    }
    guard document.format == format else {
      throw .damagedRegister(file: file, reason: "it has format \(document.format), and this Lifeboat reads \(format)")
    }
    guard document.machines.count <= MachineRegister.mostKept else {
      throw .damagedRegister(file: file, reason: "it has \(document.machines.count) machines")
    }
    var machines: [KeptMachine] = []
    for (index, entry) in document.machines.enumerated() {
      let match = MachineMatch(
        hardware: entry.mac.flatMap { HardwareAddress($0) }, machine: entry.uuid.flatMap { MachineUUID($0) })
      guard match != MachineMatch(), (entry.mac == nil) == (match.hardware == nil),
        (entry.uuid == nil) == (match.machine == nil)
      else { throw .damagedRegister(file: file, reason: "entry \(index + 1) names no machine") }
      machines.append(
        KeptMachine(match, standing: entry.standing, image: entry.image, by: entry.by, time: entry.time))
    }
    return machines
  }
}
