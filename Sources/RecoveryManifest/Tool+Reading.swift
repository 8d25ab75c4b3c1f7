// SPDX-License-Identifier: GPL-3.0-or-later
internal import StrictTOML

extension Tool {
  /// Reads a checked tool table; nil where a part without which there is no tool is missing or of a wrong kind, which
  /// the checker has reported.
  init?(checked node: TOMLNode) {
    guard let id = node["id"]?.string, let title = node["title"]?.string, let command = node["command"]?.string else {
      return nil
    }
    self.init(
      id: id, title: title, summary: node["summary"]?.string ?? title, category: node["category"]?.string ?? "system",
      packages: Self.packages(node["packages"]), command: command,
      results: Dictionary(
        uniqueKeysWithValues: (node["results"]?.entries ?? []).compactMap { entry in
          entry.node.string.map { (entry.key, $0) }
        }),
      risk: node["risk"]?.string.flatMap(Risk.init(rawValue:)) ?? .safe,
      needs: Set(node["needs"]?.strings.compactMap { Need(rawValue: $0.value) } ?? []),
      installedKiB: Self.perArchitecture(node["installed-kib"]) { $0.integer.map(Int.init) },
      licence: node["licence"]?.string ?? "", dart: node["dart"]?.string,
      standard: node["standard"]?.boolean ?? false)
  }

  /// A list holds for both architectures; nothing at all is an empty list.
  private static func packages(_ node: TOMLNode?) -> [Architecture: [String]] {
    if let node, case .table = node.value {
      return perArchitecture(node) { $0.strings.map(\.value) }
    }
    let everywhere = node?.strings.map(\.value) ?? []
    return Dictionary(uniqueKeysWithValues: Architecture.allCases.map { ($0, everywhere) })
  }

  private static func perArchitecture<Value>(
    _ node: TOMLNode?, _ value: (TOMLNode) -> Value?
  ) -> [Architecture: Value] {
    var values: [Architecture: Value] = [:]
    for architecture in Architecture.allCases {
      if let found = node?[architecture.rawValue].flatMap(value) { values[architecture] = found }
    }
    return values
  }
}
