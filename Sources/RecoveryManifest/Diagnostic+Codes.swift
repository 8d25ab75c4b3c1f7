// SPDX-License-Identifier: GPL-3.0-or-later
public import StrictTOML

/// What can be wrong with a manifest beside what can be wrong with any file.
extension Diagnostic.Code {
  /// A tool that neither the catalogue nor the manifest has.
  public static let unknownTool = Self(rawValue: "unknown-tool")
  /// A tool named by an image one of whose architectures cannot have it.
  public static let toolAbsentOnArchitecture = Self(rawValue: "tool-absent-on-architecture")
  /// A tool that one image gives two kinds of access.
  public static let conflictingAccess = Self(rawValue: "conflicting-access")
  /// Two tools of one id.
  public static let duplicateTool = Self(rawValue: "duplicate-tool")
  /// `extends` names an image that does not exist.
  public static let unknownImage = Self(rawValue: "unknown-image")
  /// Two images of one name.
  public static let duplicateImage = Self(rawValue: "duplicate-image")
  /// Images that extend each other in a circle.
  public static let extendsCycle = Self(rawValue: "extends-cycle")
  /// An x86 image on a Debian release that has no kernel for it.
  public static let noX86Kernel = Self(rawValue: "no-x86-kernel")
  /// A list that has the same entry twice (warning).
  public static let duplicateEntry = Self(rawValue: "duplicate-entry")
  /// An image without any tool (warning).
  public static let noTools = Self(rawValue: "no-tools")
  /// An own tool that no image has (warning).
  public static let unusedTool = Self(rawValue: "unused-tool")
  /// A file of the catalogue whose `id` is not its name.
  public static let idMismatch = Self(rawValue: "id-mismatch")

  /// Everything that can be wrong with a manifest or with a file of the catalogue.
  static let ofManifests = general.union([
    .unknownTool, .toolAbsentOnArchitecture, .conflictingAccess, .duplicateTool, .unknownImage, .duplicateImage,
    .extendsCycle, .noX86Kernel, .duplicateEntry, .noTools, .unusedTool, .idMismatch,
  ])
}
