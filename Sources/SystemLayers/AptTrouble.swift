// SPDX-License-Identifier: GPL-3.0-or-later
internal import RecoveryManifest

/// What apt's error lines mean.
struct AptTrouble {
  let lines: [String]
  let sources: [AptSource]

  func failure(_ architecture: Architecture) -> SystemLayersFailure {
    let errors = lines.filter { $0.hasPrefix("E:") || $0.hasPrefix("W:") }
    if let full = SystemLayersFailure.fullDisk(lines, step: "package indexes and packages") { return full }
    let wrongKeys = [
      "NO_PUBKEY", "BADSIG", "EXPKEYSIG", "REVKEYSIG", "signatures were invalid", "couldn't be verified",
    ]
    if let line = Self.first(errors, wrongKeys) { return .badSignature(detail: String(line.dropFirst(3))) }
    // A proxy, or a page that wants a login: what has not come is not signed either, and apt says that too.
    let refusal = errors.first { line in
      line.contains(/\s\s(401|402|403|407|429|451|5\d\d)\s\s/)
        || line.contains("does the network require authentication?")
        || line.contains("Invalid response from proxy")
    }
    if let refusal { return .notTheArchive(detail: String(refusal.dropFirst(3)).trimmingSpaces) }
    let unsigned = ["is not signed", "isn't signed", "no longer signed", "NODATA"]
    if let line = Self.first(errors, unsigned) { return .badSignature(detail: String(line.dropFirst(3))) }
    let mismatches = errors.filter {
      $0.contains("unexpected size") || $0.contains("Hash Sum mismatch") || $0.contains("Mirror sync")
    }
    if let first = mismatches.first {
      let failed = errors.filter { $0.hasPrefix("E: Failed to fetch") }
      let suites = Set(failed.flatMap { line in sources.map(\.suite).filter { line.contains("/dists/\($0)/") } })
      if mismatches.count == failed.count {
        return .indexMismatch(
          suites: suites.sorted(), architecture: architecture.debian, detail: String(first.dropFirst(3)))
      }
    }
    let unreachable = [
      "Could not resolve", "Temporary failure resolving", "Could not connect", "Unable to connect",
      "Connection timed out", "Connection refused", "Network is unreachable", "Connection failed",
      "No route to host", "Could not handshake",
    ]
    if let line = Self.first(lines, unreachable) { return .noNetwork(detail: line.trimmingSpaces) }
    let absent = errors.first { $0.hasSuffix("have a Release file.") || $0.hasSuffix("has a Release file.") }
    if let absent { return .noRelease(detail: String(absent.dropFirst(3))) }
    return .apt(lastLines: errors.isEmpty ? lines : errors)
  }

  private static func first(_ lines: [String], _ phrases: [String]) -> String? {
    lines.first { line in phrases.contains { line.contains($0) } }
  }
}
