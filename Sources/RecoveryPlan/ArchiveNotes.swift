// SPDX-License-Identifier: GPL-3.0-or-later

/// What has to be said of the archives that a plan is made from: where they are not all of Debian's, or not Debian's
/// alone.
public struct ArchiveNotes: Sendable, Equatable, Codable {
  /// Suites that had to be left out, as `architecture suite`.
  public var incompleteSuites: [String] = []
  /// Suites that only the boot loaders of an architecture had to be taken without, whose system is not built.
  public var loadersWithoutSuites: [String] = []
  /// Archives of others than Debian that the manifest asks for, with their origin.
  public var foreignArchives: [String] = []

  /// Nothing to say.
  public init() {}

  /// What goes into the key of a medium, whose record says the same.
  var inputs: [String: String] {
    let notes = [
      "left out": incompleteSuites, "loaders without": loadersWithoutSuites, "foreign archives": foreignArchives,
    ]
    return notes.filter { !$0.value.isEmpty }.mapValues { $0.joined(separator: ", ") }
  }

  /// Sentences for the person who plans or builds.
  public var sentences: [String] {
    incompleteSuites.map { "without \($0): its index on the mirror is not the signed one" }
      + loadersWithoutSuites.map {
        "without \($0) for the boot loaders of 32-bit UEFI alone: its index on the mirror is not the signed one"
      } + foreignArchives.map { "packages also come from an archive that is not Debian's: \($0)" }
  }
}
