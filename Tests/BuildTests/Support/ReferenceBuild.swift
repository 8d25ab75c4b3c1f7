// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// The medium of `Manifests.aid`, built once from the host's package sources; other builds are compared with it, and
/// start from copies of its cache.
actor ReferenceBuild {
  static let shared = ReferenceBuild()
  private var making: Task<(workplace: Workplace, run: BuildRun), any Error>?

  private func made() async throws -> (workplace: Workplace, run: BuildRun) {
    let task =
      making
      ?? Task {
        try await TestCache.shared.alone { cache in
          let workplace = try Workplace(manifest: Manifests.aid(), cacheHome: cache)
          // A mirror whose index of updates lags behind is no reason not to test.
          return (workplace, try await workplace.build(["--allow-incomplete-suites"], online: true))
        }
      }
    making = task
    return try await task.value
  }

  /// False where the packages cannot be had, which is no fault of what is tested.
  static func isPossible() async throws -> Bool {
    try await shared.made().run.troubles.allSatisfy { $0.code != "no-network" }
  }

  /// The digest of the medium.
  func digest() async throws -> Digest { try await made().run.digest() }

  /// The medium itself; not to be changed.
  func medium() async throws -> FilePath { try await made().workplace.medium }

  /// The finished steps of the shared cache, whoever made them.
  func steps() async throws -> [FilePath] { try await made().workplace.steps() }

  /// A workplace with a copy of the cache: packages, indexes and, of finished steps, those of the reference.
  func workplace(manifest: String = Manifests.aid()) async throws -> Workplace {
    _ = try await digest()
    let copy = try Workplace(manifest: Manifests.aid())
    try await TestCache.shared.alone { cache in
      // Links are enough: Lifeboat replaces files and never writes into one; only locks must not be shared. Across
      // file systems there are none.
      let script = """
        mkdir -p "$2"
        cp -al "$1/lifeboat" "$2/" 2>/dev/null || cp -a "$1/lifeboat" "$2/"
        find "$2" -name lock -delete
        """
      try await ExternalCommand("sh", ["-ec", script, "sh", cache.string, copy.cacheHome.string]).run()
    }
    let needed = Set(try await copy.plan().steps.map(\.key.hex))
    for name in FileTree.names(in: copy.cache("steps")) where !needed.contains(name) {
      FileTree.remove(copy.cache("steps").appending(name))
    }
    try copy.folder.write("rescue.toml", manifest)
    return copy
  }
}

extension Trait where Self == ConditionTrait {
  /// For suites that build from Debian's packages.
  static var needsPackages: Self {
    .enabled("the package archive cannot be reached") { try await ReferenceBuild.isPossible() }
  }
}
