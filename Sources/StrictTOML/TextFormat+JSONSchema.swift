// SPDX-License-Identifier: GPL-3.0-or-later

extension TextFormat {
  /// The format's JSON Schema (draft 2020-12), for editors and other checkers. A TOML date appears as a string.
  ///
  /// It says what the shape of a file says; what only the meaning of its values shows is the reader's to check.
  package func jsonSchema() -> String {
    let body = Self.schema(of: .table(root))
    let head: [(key: String, value: JSONText)] = [
      ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
      ("title", .string("Lifeboat \(noun), format \(version)")),
    ]
    return JSONText.object(head + body).rendered() + "\n"
  }

  private static func schema(of shape: Shape) -> [(key: String, value: JSONText)] {
    switch shape {
    case .text(let rule): return schema(of: rule)
    case .integer(let range):
      return [
        ("type", .string("integer")), ("minimum", .integer(range.lowerBound)), ("maximum", .integer(range.upperBound)),
      ]
    case .boolean: return [("type", .string("boolean"))]
    case .date: return [("type", .string("string")), ("format", .string("date"))]
    case .list(let item, let least):
      return [("type", .string("array")), ("items", .object(schema(of: item)))]
        + (least > 0 ? [("minItems", .integer(Int64(least)))] : [])
    case .table(let table): return schema(of: table)
    case .map(let keys, let values):
      return [
        ("type", .string("object")), ("propertyNames", .object(schema(of: keys))),
        ("additionalProperties", .object(schema(of: values))),
      ]
    case .choice(let shapes): return [("anyOf", .array(shapes.map { .object(schema(of: $0)) }))]
    }
  }

  private static func schema(of rule: TextRule) -> [(key: String, value: JSONText)] {
    let base: [(key: String, value: JSONText)] = [("type", .string("string"))]
    guard rule.allowed.isEmpty else { return base + [("enum", .array(rule.allowed.map(JSONText.string)))] }
    return base
      + [
        ("minLength", .integer(Int64(rule.length.lowerBound))),
        ("maxLength", .integer(Int64(rule.length.upperBound))),
      ]
      + (rule.pattern.map { [("pattern", .string($0))] } ?? [])
  }

  private static func schema(of table: TableShape) -> [(key: String, value: JSONText)] {
    let properties = table.keys.map { key in (key: key.name, value: JSONText.object(property(key))) }
    let required = table.keys.filter(\.required).map { JSONText.string($0.name) }
    return [
      ("type", .string("object")), ("description", .string(table.summary)), ("properties", .object(properties)),
      ("required", .array(required)), ("additionalProperties", .boolean(false)),
    ]
  }

  private static func property(_ key: KeyShape) -> [(key: String, value: JSONText)] {
    let body = schema(of: key.shape)
    // The table's own description says more than the key's.
    if case .table = key.shape { return body }
    return [("description", .string(key.summary))] + body
  }
}
