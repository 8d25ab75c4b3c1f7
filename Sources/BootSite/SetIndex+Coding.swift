// SPDX-License-Identifier: GPL-3.0-or-later
internal import FoundationEssentials
internal import HostSystem

extension SetIndex {
  /// The bytes of `index.json`: the same index gives the same bytes, so that a signature stays valid.
  /// - Throws: `EncodingError`.
  public func encoded() throws -> [UInt8] { Array((try StableJSON.text(self) + "\n").utf8) }

  /// Reads `index.json`, and believes nothing of it: a name that could lead out of the set is refused.
  /// - Throws: `Site.Failure.indexUnreadable`.
  public init(decoding bytes: [UInt8]) throws(Site.Failure) {
    do {
      let format = try JSONDecoder().decode(Format.self, from: Data(bytes)).format
      guard format == Self.format else {
        throw Site.Failure.indexUnreadable(reason: "it has format \(format); this Lifeboat knows format \(Self.format)")
      }
      self = try JSONDecoder().decode(SetIndex.self, from: Data(bytes))
    } catch let failure as Site.Failure {
      throw failure
    } catch {
      throw .indexUnreadable(reason: "it is not JSON, or not an index")
    }
    if let problem { throw .indexUnreadable(reason: problem) }
  }

  private struct Format: Decodable { var format: Int }

  /// What cannot be in an index that Lifeboat wrote.
  private var problem: String? {
    if number < 1 { return "its number is \(number)" }
    for object in objects where !Self.isObjectName(object.name) || object.size < .zero {
      return "no object can have the name “\(object.name)” or the size \(object.size.bytes)"
    }
    let names = Set(objects.map(\.name))
    if names.count != objects.count { return "two objects have the same name" }
    if Set(images.map(\.name)).count != images.count { return "two images have the same name" }
    for image in images {
      if !Self.isImageName(image.name) { return "no image can have the name “\(image.name)”" }
      if let missing = image.objectNames.subtracting(names).min() {
        return "the image \(image.name) needs \(missing), which the set does not hold"
      }
    }
    return nil
  }

  /// Whether a name may be asked for: relative, with parts of letters, digits, `.`, `_` and `-` that do not begin with
  /// a dot.
  static func isObjectName(_ name: String) -> Bool {
    name.utf8.count <= 200
      && name.wholeMatch(of: /[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/) != nil
  }

  /// Whether an image may have a name: it becomes a part of names of objects, and a word in a list for a shell.
  static func isImageName(_ name: String) -> Bool {
    name.utf8.count <= 64 && !name.contains("/") && isObjectName(name)
  }

  /// The objects that a set of these images holds, sorted by name.
  static func objects(of images: [Image], from objects: [Object]) -> [Object] {
    let wanted = images.reduce(into: Set<String>()) { $0.formUnion($1.objectNames) }
    var seen = Set<String>()
    return objects.filter { wanted.contains($0.name) && seen.insert($0.name).inserted }
      .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }
}
