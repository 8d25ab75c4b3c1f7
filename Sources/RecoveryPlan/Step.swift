// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import RecoveryManifest

/// One thing to be made, with everything that goes into it.
///
/// Its content key is a digest over all of that, and over the keys of the steps it stands on; so a cached result
/// with the same key is the result, and nothing else ever is.
public struct Step: Sendable, Equatable {
  /// What is made.
  public enum Kind: String, Sendable, Codable {
    /// A Debian system with kernel: one squashfs and the kernel file.
    case base
    /// The initial RAM file system of a base's kernel.
    case initramfs
    /// Packages on top of the layers below.
    case tools
    /// Lifeboat's own program.
    case program
    /// Lifeboat's own files and the image's settings.
    case settings
    /// Debian's boot loader packages, unpacked.
    case loaders
    /// The finished medium.
    case medium
  }

  /// What is made.
  public var kind: Kind
  /// Tells steps of one kind apart for people and across builds: `x64 bookworm`, `x64 tier1`.
  public var name: String
  /// The architecture; nil for loaders and media of both.
  public var architecture: Architecture?
  /// Everything that goes in but packages, by name: versions, settings, digests of scripts and files.
  public var inputs: [String: String]
  /// The packages that go in.
  public var packages: [ResolvedPackage]
  /// The keys of the steps this one stands on, bottom first.
  public var dependencies: [Digest]

  /// Describes a step.
  public init(
    kind: Kind, name: String, architecture: Architecture?, inputs: [String: String], packages: [ResolvedPackage] = [],
    dependencies: [Digest] = []
  ) {
    self.kind = kind
    self.name = name
    self.architecture = architecture
    self.inputs = inputs
    self.packages = packages.sorted()
    self.dependencies = dependencies
  }

  /// `base x64 bookworm`: the place that successive versions of a step share.
  public var title: String { "\(kind.rawValue) \(name)" }

  /// Seconds since 1970 that generated files in the result carry; an input like others, so that the same key stands
  /// for the same bytes.
  public var timestamp: Int64 { inputs["time"].flatMap { Int64($0) } ?? 0 }

  /// The content key.
  public var key: Digest {
    var lines = ["lifeboat-step 1", kind.rawValue, architecture?.rawValue ?? "-"]
    lines += inputs.sorted { $0.key < $1.key }.map { "input \($0.key.debugDescription)=\($0.value.debugDescription)" }
    lines += packages.map { "package \($0.file) \($0.sha256)" }
    lines += dependencies.map { "on \($0)" }
    return Digest(of: lines.joined(separator: "\n"))
  }

  /// A guess at the size of the result before it is made, from the packages' files; nil where nothing is known.
  ///
  /// Debian packages are compressed by xz, layers by zstd without most documentation and some drivers: about 0.95
  /// of the packages for tools, 0.9 for a base.
  public var expectedSize: ByteCount? {
    let packed = packages.reduce(Int64(0)) { $0 + $1.size.bytes }
    switch kind {
    case .base: return ByteCount(packed / 10 * 9)
    case .tools: return ByteCount(packed / 100 * 95)
    case .loaders: return ByteCount(packed * 3)
    case .initramfs: return .mebibytes(32)
    case .program: return .mebibytes(11)
    case .settings: return ByteCount(64 << 10)
    case .medium: return nil
    }
  }
}

/// What is remembered of a step that was made: enough to say later what has changed.
public struct StepRecord: Sendable, Codable, Equatable {
  /// The step's title.
  public var title: String
  /// The step's key.
  public var key: Digest
  /// The step's inputs.
  public var inputs: [String: String]
  /// Package names with their versions.
  public var packages: [String: String]
  /// The step's dependencies.
  public var dependencies: [Digest]

  /// Remembers a step.
  public init(_ step: Step) {
    title = step.title
    key = step.key
    inputs = step.inputs
    packages = Dictionary(step.packages.map { ($0.name, $0.version) }) { a, _ in a }
    dependencies = step.dependencies
  }
}

extension Step {
  /// Why the step has to be made although something of its title was made before: which input changed.
  /// - Parameter previous: the newest record of the same title, or nil.
  public func reason(since previous: StepRecord?) -> String {
    guard let previous else { return "never built" }
    var changes: [String] = []
    for name in Set(inputs.keys).union(previous.inputs.keys).sorted() where inputs[name] != previous.inputs[name] {
      changes.append(Self.change(of: name, from: previous.inputs[name], to: inputs[name]))
    }
    let now = Dictionary(packages.map { ($0.name, $0.version) }) { a, _ in a }
    for name in Set(now.keys).union(previous.packages.keys).sorted() {
      switch (previous.packages[name], now[name]) {
      case (nil, let version?): changes.append("+\(name) \(version)")
      case (_?, nil): changes.append("-\(name)")
      case (let old?, let new?) where old != new: changes.append("\(name) \(old) -> \(new)")
      default: break
      }
    }
    if changes.isEmpty, dependencies != previous.dependencies { changes.append("a layer below it changed") }
    if changes.isEmpty { return previous.key == key ? "its cached result is gone" : "a package file changed" }
    let more = changes.count > 4 ? " and \(changes.count - 4) more changes" : ""
    return changes.prefix(4).joined(separator: ", ") + more
  }

  private static func change(of name: String, from old: String?, to new: String?) -> String {
    guard let old else { return "\(name) is new" }
    guard let new else { return "\(name) is gone" }
    let short = old.count <= 24 && new.count <= 24
    return short ? "\(name) \(old) -> \(new)" : "\(name) changed"
  }
}
