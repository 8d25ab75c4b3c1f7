// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import Signing

extension ISOInspection {
  /// The inspection for a terminal: what it is, a picture of the disk, who starts it, who signed it, what it holds.
  /// - Parameter width: columns of the terminal; lines are fitted to it, down to 60.
  public func text(width: Int = 80) -> String {
    let picture = InspectionText(inspection: self, width: min(max(width, 60), 200))
    return picture.lines().joined(separator: "\n") + "\n"
  }
}

/// Draws an inspection.
struct InspectionText {
  let inspection: ISOInspection
  let width: Int

  func lines() -> [String] {
    [heading(), volume(), disk(), layout(), boots(), loaders(), contents(), record(), notes()]
      .filter { !$0.isEmpty }.joined(separator: [""]).map { fitted($0) }
  }

  // MARK: Parts

  private func heading() -> [String] {
    [inspection.path.printable, "\(inspection.size) (\(inspection.size.exact) bytes)"]
  }

  private func volume() -> [String] {
    let volume = inspection.volume
    let kinds = inspection.trees.map { flavour in
      switch flavour {
      case .plain: "ISO 9660"
      case .rockRidge: "ISO 9660 with Rock Ridge"
      case .joliet: "Joliet"
      }
    }
    let rows: [(String, String?)] = [
      ("Volume", volume.identifier), ("Made", volume.created), ("Publisher", volume.publisher),
      ("Application", volume.application), ("Prepared by", volume.preparer),
      ("Names", kinds.joined(separator: ", ")), ("Partitions", partitions()),
    ]
    return rows.compactMap { row in
      row.1.flatMap { $0.isEmpty ? nil : padded(row.0, 12) + $0.printable }
    }
  }

  private func partitions() -> String {
    let kinds: [String?] = [
      inspection.masterBootRecord.map { "MBR (\($0.kind.rawValue))" },
      inspection.partitionTable.map { table in
        "GPT with \(table.partitions.count) partitions"
          + (table.primary?.isValid == true && table.backup?.isValid == true ? "" : ", damaged")
      },
      inspection.bootCatalogue.map { "El Torito with \($0.entries.count) entries" },
    ]
    let found = kinds.compactMap { $0 }
    return found.isEmpty ? "none" : found.joined(separator: ", ")
  }

  /// The whole disk as one bar.
  private func disk() -> [String] {
    let cells = width - 2
    guard inspection.size.bytes > 0 else { return [] }
    let bar = DiskBar(inspection.layout, size: inspection.size.bytes, cells: cells)
    let edge = String(repeating: "─", count: cells)
    let cell = ByteCount(max(1, inspection.size.bytes / Int64(cells)))
    return ["┌\(edge)┐", "│\(bar.text)│", "└\(edge)┘"]
      + wrapped(["one cell is \(cell):"] + bar.legend)
  }

  /// Puts words into as few lines as fit.
  private func wrapped(_ words: [String]) -> [String] {
    words.reduce(into: []) { lines, word in
      if let last = lines.last, last.count + 2 + word.count <= width {
        lines[lines.count - 1] = last + "  " + word
      } else {
        lines.append(word)
      }
    }
  }

  private func layout() -> [String] {
    let offsetWidth = max(6, inspection.layout.last?.offset.exact.count ?? 0)
    let lengthWidth = max(6, inspection.layout.map(\.length.exact.count).max() ?? 0)
    let head = right("offset", offsetWidth) + "  " + right("length", lengthWidth) + "  share       what"
    return [head]
      + inspection.layout.map { range in
        let what =
          switch (range.count, range.name) {
          case (let count?, _) where count > 0: "\(count) \(count == 1 ? singular(range.title) : range.title)"
          case (0?, _): "padding"
          case (_, let name?) where range.structure == "file" && range.title == "file": name
          case (_, let name?) where !name.isEmpty: "\(range.title): \(name)"
          default: range.title
          }
        return right(range.offset.exact, offsetWidth) + "  " + right(range.length.exact, lengthWidth) + "  "
          + share(range.length.bytes) + "  " + what.printable
      }
  }

  private func singular(_ title: String) -> String {
    title.hasSuffix("ies") ? title.dropLast(3) + "y" : title.hasSuffix("s") ? String(title.dropLast()) : title
  }

  /// Ten cells, with half cells; what is there at all shows at least as a dot.
  private func share(_ length: Int64) -> String {
    let halves = Int(Double(length) / Double(max(1, inspection.size.bytes)) * 20)
    let bar = String(repeating: "█", count: halves / 2) + (halves % 2 == 1 ? "▌" : "")
    return padded(bar.isEmpty ? "·" : bar, 10)
  }

  private func boots() -> [String] {
    let names: [ISOInspection.BootPath.Firmware: String] = [
      .bios: "BIOS", .uefiX64: "UEFI x64", .uefiIA32: "UEFI IA32", .uefiARM64: "UEFI ARM64",
    ]
    let shown = inspection.bootPaths.filter { $0.firmware != .uefiARM64 || $0.loader != nil }
    return ["What starts it"]
      + shown.map { path in
        let note = path.note.map { path.loader == nil ? " — \($0)" : "  (\($0))" } ?? ""
        return "  " + padded(names[path.firmware] ?? "", 11) + padded("from \(path.from.rawValue)", 12)
          + (path.loader ?? "no").printable + note.printable
      }
  }

  private func loaders() -> [String] {
    guard !inspection.loaders.isEmpty else { return [] }
    return ["EFI loaders and their signers"]
      + inspection.loaders.flatMap { loader in
        let place = loader.place == .iso ? "" : "  in the EFI system partition"
        let head = "  \(loader.path.printable)\(place)  \(loader.machine ?? "?")  \(loader.size)"
        return [head] + signers(loader) + loader.sbat.filter { !$0.hasPrefix("sbat,") }.map { "      SBAT \($0)" }
      }
  }

  private func signers(_ loader: EFILoader) -> [String] {
    let problem = loader.problem.map { ["      \($0)"] } ?? []
    guard !loader.signatures.isEmpty else { return problem.isEmpty ? ["      not signed"] : problem }
    return loader.signatures.flatMap { signature in
      [
        "      signed by \(signature.signer ?? "an unnamed signer")",
        "        under \(signature.issuer)"
          + (signature.digestMatches == false ? "; the file was changed after it was signed" : ""),
      ]
    } + problem
  }

  private func contents() -> [String] {
    let contents = inspection.contents
    return [
      "Contents: \(contents.files.counted("file")) in \(contents.folders.counted("folder")), "
        + "\(contents.links.counted("link")), \(contents.bytes)"
    ] + contents.largest.map { "  " + right($0.size.description, 10) + "  " + $0.path.printable }
  }

  private func record() -> [String] {
    guard let record = inspection.record else { return ["No lifeboat.json: this medium was not made by Lifeboat."] }
    let architectures = record.variants.map(\.architecture).joined(separator: " and ")
    let lines: [String] = [
      "Lifeboat medium \(record.identifier)",
      "  image     \(record.image), \u{201C}\(record.title)\u{201D}",
      "  system    Debian \(record.release)" + (architectures.isEmpty ? "" : " for \(architectures)"),
      "  made by   Lifeboat \(record.lifeboat)",
      record.expires.map { "  expires   \($0)" },
      record.withoutSuites.map { "  without   \($0.joined(separator: ", ")): built although they were unavailable" },
      record.loadersWithoutSuites.map { "  loaders   without \($0.joined(separator: ", ")), which were unavailable" },
      record.foreignArchives.map { "  packages  also from \($0.joined(separator: ", "))" },
      "  record    \(record.files.count.counted("file")), \(record.bootImages.count.counted("boot image"))",
    ].compactMap { $0 }
    return lines.map(\.printable)
  }

  private func notes() -> [String] {
    inspection.notes.isEmpty ? [] : ["Notes"] + inspection.notes.map { "  " + $0.printable }
  }

  // MARK: Columns

  private func padded(_ text: String, _ count: Int) -> String {
    text + String(repeating: " ", count: max(0, count - text.count))
  }

  private func right(_ text: String, _ count: Int) -> String {
    String(repeating: " ", count: max(0, count - text.count)) + text
  }

  /// Cuts a line in its middle, so that a long path keeps its file name.
  private func fitted(_ line: String) -> String {
    guard line.count > width else { return line }
    let tail = width / 3
    return line.prefix(width - tail - 1) + "…" + line.suffix(tail)
  }
}

/// The disk as a row of letters: each cell shows what most of its bytes are.
struct DiskBar {
  let text: String
  let legend: [String]

  /// Letters in the order of the legend.
  private static let kinds: [(letter: Character, name: String)] = [
    ("S", "system area"), ("V", "descriptors"), ("D", "directories"), ("F", "files"), ("B", "boot image"),
    ("E", "EFI system partition"), ("P", "partition"), ("G", "backup GPT"), ("·", "gap"),
  ]

  init(_ layout: [ISOInspection.LayoutRange], size: Int64, cells: Int) {
    var shown: Set<Character> = []
    var text = ""
    var next = 0
    for cell in 0..<cells {
      let span = size * Int64(cell) / Int64(cells)..<max(size * Int64(cell + 1) / Int64(cells), 1)
      var weights: [Character: Int64] = [:]
      while next < layout.count, layout[next].offset.bytes + layout[next].length.bytes <= span.lowerBound { next += 1 }
      for range in layout[min(next, layout.count)...] where range.offset.bytes < max(span.upperBound, 1) {
        let part = ByteRange(offset: range.offset, length: range.length).bounds.clamped(to: span)
        weights[Self.letter(range), default: 0] += Int64(part.count)
        if range.offset.bytes + range.length.bytes >= span.upperBound { break }
      }
      let edge: Character? = cell == 0 ? "S" : cell == cells - 1 && weights["G"] != nil ? "G" : nil
      let letter = edge ?? weights.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? "·"
      shown.insert(letter)
      text.append(letter)
    }
    self.text = text
    legend = Self.kinds.filter { shown.contains($0.letter) }.map { "\($0.letter) \($0.name)" }
  }

  private static func letter(_ range: ISOInspection.LayoutRange) -> Character {
    switch ImageStructure(rawValue: range.structure) {
    case .masterBootRecord, .primaryTableHeader, .primaryTableEntries, .systemArea: "S"
    case .primaryVolumeDescriptor, .jolietVolumeDescriptor, .bootRecord, .descriptorTerminator,
      .otherVolumeDescriptor, .bootCatalogue:
      "V"
    case .pathTable, .directory, .continuationArea, .jolietPathTable, .jolietDirectory: "D"
    case .filePadding: "F"
    case .partition: "P"
    case .bootImage: "B"
    case .backupTableEntries, .backupTableHeader: "G"
    case .gap: "·"
    case nil: range.structure == "efi-system-partition" ? "E" : range.title == "boot image" ? "B" : "F"
    }
  }
}
