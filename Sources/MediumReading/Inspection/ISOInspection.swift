// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import Signing
public import SystemPackage

/// What an ISO image, a stick or a disc is: any ISO, made by Lifeboat or not.
public struct ISOInspection: Sendable, Codable, Equatable {
  /// What was inspected.
  public var path: String
  /// The size of the file or device.
  public var size: ByteCount
  /// What the primary volume descriptor says.
  public var volume: VolumeInformation
  /// Which directory trees it has.
  public var trees: [ISOTree.Flavour]
  /// The MBR.
  public var masterBootRecord: MasterBootRecord?
  /// The GPT.
  public var partitionTable: GUIDPartitionTable?
  /// El Torito's boot catalogue.
  public var bootCatalogue: ElToritoCatalogue?
  /// Ordered ranges that cover all bytes.
  public var layout: [LayoutRange]
  /// What each firmware starts.
  public var bootPaths: [BootPath]
  /// EFI programs with their signers.
  public var loaders: [EFILoader]
  /// How much it holds.
  public var contents: Contents
  /// `lifeboat.json`, when there is one.
  public var record: MediumRecord?
  /// What could not be found out, and what cannot be right.
  public var notes: [String]

  /// One range of the layout.
  public struct LayoutRange: Sendable, Codable, Equatable {
    /// The first byte.
    public var offset: ByteCount
    /// How many bytes.
    public var length: ByteCount
    /// What it is: `file`, `files`, `efi-system-partition` or an `ImageStructure`.
    public var structure: String
    /// For people.
    public var title: String
    /// A file's path, with a leading `/`, or a partition's name.
    public var name: String?
    /// How many files or directories a group stands for.
    public var count: Int?
  }

  /// What a firmware would start.
  public struct BootPath: Sendable, Codable, Equatable {
    /// The kind of firmware.
    public enum Firmware: String, Sendable, Codable, CaseIterable {
      /// A BIOS, or UEFI's compatibility module.
      case bios
      /// 64-bit UEFI on x86 processors.
      case uefiX64 = "uefi-x64"
      /// 32-bit UEFI on x86 processors.
      case uefiIA32 = "uefi-ia32"
      /// 64-bit UEFI on ARM processors.
      case uefiARM64 = "uefi-aa64"
    }
    /// How the medium is attached.
    public enum Attachment: String, Sendable, Codable, CaseIterable {
      /// As a CD or DVD.
      case disc
      /// As a disk: a USB stick.
      case stick
    }
    /// The kind of firmware.
    public var firmware: Firmware
    /// How the medium is attached.
    public var from: Attachment
    /// The file that it loads first, or nil when it does not start from this medium.
    public var loader: String?
    /// How it gets there, or why it does not.
    public var note: String?
  }

  /// How much a medium holds.
  public struct Contents: Sendable, Codable, Equatable {
    /// Regular files.
    public var files: Int
    /// Folders, without the root.
    public var folders: Int
    /// Symbolic links.
    public var links: Int
    /// Bytes of all files together.
    public var bytes: ByteCount
    /// The largest files, largest first.
    public var largest: [File]
    /// A file with its size.
    public struct File: Sendable, Codable, Equatable {
      /// With a leading `/`.
      public var path: String
      /// Its size.
      public var size: ByteCount
    }
  }

  /// Inspects an image file or a device; reads its structures and loaders, not its files.
  ///
  /// What is broken or cannot be found out (mtools missing, a record of a newer format) becomes a note.
  /// - Throws: `ISOReader.Failure`, `OperationFailure`, `CancellationError`.
  public static func inspect(_ path: FilePath) async throws -> ISOInspection {
    let reader = try ISOReader(path)
    var notes = reader.problems.map { "byte \($0.offset.exact): \($0.what)" }
    let record = Self.record(reader, &notes)
    let loaders = try await LoaderSearch(reader).run()
    notes += loaders.notes
    notes += try Self.partitionNotes(reader)
    let foreign = await UDFListing.contents(reader)
    notes += foreign.notes
    return ISOInspection(
      path: path.string, size: reader.image.size, volume: reader.information,
      trees: reader.volumes[0].trees.map(\.flavour), masterBootRecord: reader.masterBootRecord,
      partitionTable: reader.partitionTable, bootCatalogue: reader.catalogue,
      layout: LayoutSummary.ranges(of: reader, record: record),
      bootPaths: BootPathSearch(reader: reader, loaders: loaders).paths(), loaders: loaders.loaders,
      contents: foreign.contents ?? Self.contents(reader.tree), record: record, notes: notes)
  }

  private static func record(_ reader: ISOReader, _ notes: inout [String]) -> MediumRecord? {
    do { return try MediumVerification.record(of: reader) } catch MediumVerification.Failure.notLifeboat {
      return nil
    } catch {
      notes.append((error as? any Diagnosable)?.message ?? "\(error)")
      return nil
    }
  }

  private static func partitionNotes(_ reader: ISOReader) throws -> [String] {
    var notes: [String] = []
    if let table = reader.partitionTable {
      if table.primary?.isValid != true { notes.append("the primary GPT header is missing or damaged") }
      if table.backup?.isValid != true { notes.append("the backup GPT header is missing or damaged") }
    }
    if let catalogue = reader.catalogue, !catalogue.isValid { notes.append("the boot catalogue's checksum is wrong") }
    let head = try reader.image.available(at: 0, count: DeclaredSize.reach)
    if let declared = DeclaredSize(head: head), declared.bytes > reader.image.size.bytes {
      notes.append("the image is truncated: \(declared.by) ends at byte \(ByteCount(declared.bytes).exact)")
    }
    return notes
  }

  private static func contents(_ tree: ISOTree) -> Contents {
    let files = tree.nodes.filter { $0.kind == .file }
    return Contents(
      files: files.count, folders: max(0, tree.nodes.count { $0.kind == .folder } - 1),
      links: tree.nodes.count { if case .symbolicLink = $0.kind { true } else { false } },
      bytes: ByteCount(files.reduce(Int64(0)) { $0 &+ $1.size.bytes }),
      largest: files.sorted { ($1.size, $0.path) < ($0.size, $1.path) }.prefix(10).map {
        .init(path: "/" + $0.path, size: $0.size)
      })
  }
}
