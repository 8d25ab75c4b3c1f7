// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import BootAssembly
import HostSystem
import MediumReading
import Signing
import SystemPackage

/// `lifeboat verify`.
struct VerifyVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that a medium is, byte for byte, what was built.",
    discussion: """
      Compares every file with its digest in lifeboat.json, and every other byte of the medium with the seal. Says \
      which file or structure is damaged, and where. --key checks the signature over lifeboat.json too: without it, a \
      medium that somebody rebuilt with other content passes. The exit status is 3 if anything differs.

        lifeboat verify output/tier1-x64.iso --key site-key.pub
        lifeboat verify /dev/sdb
      """)

  @Argument(help: "The ISO file or device.", completion: .file(extensions: ["iso"])) var medium: String

  @Option(
    help: ArgumentHelp("The site's public key; the medium must carry its signature.", valueName: "pub"),
    completion: .file(extensions: ["pub"]))
  var key: String?

  @Flag(help: "One JSON document on standard output.") var json = false

  func run(on console: Console) async throws -> ExitStatus {
    // An unusable key is found now, not after the medium has been read.
    let site = if let key { try await SiteKey.describe(FilePath(key)) } else { SiteKey?.none }
    let report = try await console.withProgress {
      try await MediumVerification.verify(FilePath(medium), progress: $0)
    }
    let failure = try await signatureFailure(report)
    let outcome = VerifyOutcome(report: report, signature: site.map { .init($0, failure) })
    if json {
      try console.printJSON(outcome)
    } else {
      for line in outcome.lines { console.print(line) }
      if let failure { console.complain(failure) }
    }
    return outcome.valid ? .success : .notAsPromised
  }

  /// Why the signature is not the site's; nil when it is, or when nobody asked.
  private func signatureFailure(_ report: MediumVerification.Report) async throws -> SigningFailure? {
    guard let key else { return nil }
    do {
      try await report.checkSignature(publicKey: FilePath(key))
      return nil
    } catch let failure as SigningFailure where [.notAsPromised, .inputOutput].contains(failure.kind) {
      return failure
    }
  }
}

/// What a verification has found.
struct VerifyOutcome: Encodable {
  /// What was said about the signature.
  struct Signature: Encodable {
    var key: String
    var valid: Bool
    var error: ErrorReport?

    init(_ site: SiteKey, _ failure: SigningFailure?) {
      key = site.fingerprint
      valid = failure == nil
      error = failure.map { ErrorReport($0) }
    }
  }

  var report: MediumVerification.Report
  /// Nil when no key was given.
  var signature: Signature?
  var valid: Bool

  init(report: MediumVerification.Report, signature: Signature?) {
    self.report = report
    self.signature = signature
    valid = report.isClean && (signature?.valid ?? true)
  }

  /// A line for each finding, and what it all amounts to.
  var lines: [String] {
    var lines = report.findings.map(\.message)
    if !report.unchecked.isEmpty {
      let places = report.unchecked.prefix(5).map(\.description).joined(separator: ", ")
      lines.append("bytes that nothing accounts for: \(places)\(report.unchecked.count > 5 ? ", ..." : "")")
    }
    let name = report.image.map { " (\($0))" } ?? ""
    let amount = "\(report.files.counted("file")), \(report.checked) of \(report.imageSize) checked"
    let places = max(report.findings.count, 1).counted("place")
    let verdict = report.isClean ? "every byte is as it was built" : "damaged in \(places)"
    lines.append("\(report.path)\(name): \(verdict); \(amount)")
    if let signature, signature.valid {
      lines.append("signed by \(signature.key)")
      if !report.coversLayout {
        lines.append(
          "built by an older Lifeboat: the signature covers the files, not the tables and folders; those are as Lifeboat"
            + " writes them")
      }
    }
    if signature == nil { lines.append("signature not checked: no --key was given") }
    return lines
  }
}
