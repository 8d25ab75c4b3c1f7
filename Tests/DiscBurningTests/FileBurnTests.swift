// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import MediumReading
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import DiscBurning

/// Burns with libburn's own stand-in for a drive, a file that it treats like an overwriteable disc.
@Suite(.serialized) struct FileBurnTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private var target: String { "stdio:\(folder.appending("disc"))" }

  private func iso(_ size: Int = 3_000_000) async throws -> FilePath {
    try folder.write("tree/noise", pattern(size))
    let made = try await Tool.run(
      "xorriso", ["-as", "mkisofs", "-V", "BURNT", "-o", "image.iso", "tree"], in: folder.path)
    #expect(made.status == 0, "\(made)")
    return folder.appending("image.iso")
  }

  @discardableResult private func burn(
    _ path: FilePath, to address: String, _ request: BurnRequest = BurnRequest(),
    progress: ProgressEvent.Handler? = nil
  ) async throws -> DiscBurner.Report {
    let image = try await BurnImage(path)
    let plan = try BurnPlan(size: image.size, drive: try await DiscBurner.drive(address), request: request)
    return try await DiscBurner.burn(image, plan: plan, request: request, progress: progress)
  }

  private func code(_ body: () async throws -> some Any) async -> String {
    do {
      _ = try await body()
      return "burnt"
    } catch let error as any Diagnosable { return error.code } catch { return "\(error)" }
  }

  @Test func whatIsBurntIsTheImage() async throws {
    let iso = try await iso()
    let steps = Mutex<[String]>([])
    let report = try await burn(iso, to: target) { event in
      if case .finished(let step, _) = event { steps.withLock { $0.append(step) } }
    }
    let compared = try await Tool.run("cmp", [iso.string, folder.appending("disc").string])
    #expect(compared.status == 0, "\(compared)")
    #expect(try ISOReader(folder.appending("disc")).information.identifier == "BURNT")
    let digest = try Digest(ofFile: iso)
    #expect(report.verified && !report.simulated && report.sha256 == digest)
    #expect(steps.withLock { $0 } == ["burn image.iso", "verify image.iso"])
  }

  @Test func aLastSectorIsFilledUp() async throws {
    let iso = try await iso()
    let whole = try bytes(of: iso)
    let odd = try folder.file("odd.iso", whole + pattern(100))
    let report = try await burn(odd, to: target)
    let burnt = try bytes(of: folder.appending("disc"))
    #expect(Array(burnt.prefix(whole.count + 100)) == whole + pattern(100))
    #expect(burnt.dropFirst(whole.count + 100).allSatisfy { $0 == 0 } && burnt.count % 2048 == 0)
    let digest = try Digest(ofFile: odd)
    #expect(report.sha256 == digest)
  }

  @Test func whatIsThereIsOnlyOverwrittenOnRequest() async throws {
    let iso = try await iso()
    for old in [pattern(5_000_000, seed: 9), Array("short".utf8)] {
      try folder.file("disc", old)
      #expect(await code { try await burn(iso, to: target) } == "not-blank")
      #expect(try bytes(of: folder.appending("disc")) == old)
    }
    let report = try await burn(iso, to: target, BurnRequest(mayBlank: true))
    #expect(report.preparation == .overwrite && report.verified)
  }

  @Test func simulationLeavesNothing() async throws {
    let iso = try await iso()
    let report = try await burn(iso, to: target, BurnRequest(isSimulation: true))
    #expect(report.simulated && !report.verified)
    #expect(!folder.names.contains("disc"))
    let zeros = [UInt8](repeating: 0, count: 4 << 20)
    try folder.file("disc", zeros)
    try await burn(iso, to: target, BurnRequest(isSimulation: true))
    #expect(try bytes(of: folder.appending("disc")) == zeros)
  }

  @Test func anIncompleteImageIsRefused() async throws {
    let whole = try bytes(of: try await iso())
    let cut = try folder.file("cut.iso", Array(whole.dropLast(400_000)))
    #expect(await code { try await BurnImage(cut) } == "truncated-image")
    let noise = try folder.file("noise.iso", pattern(100_000))
    #expect(await code { try await BurnImage(noise) } == "not-an-iso")
    #expect(await code { try await BurnImage(folder.path) } == "bad-source")
    #expect(await code { try await BurnImage("/absent.iso") } == "no-such-file")
  }

  @Test func aChangedImageIsNoticed() async throws {
    let path = try await iso()
    let image = try await BurnImage(path)
    let plan = try BurnPlan(size: image.size, drive: try await DiscBurner.drive(target), request: BurnRequest())
    let descriptor = try FileDescriptor.open(path, .writeOnly)
    try descriptor.closeAfter { _ = try descriptor.writeAll(toAbsoluteOffset: 1_000_000, [1, 2, 3]) }
    #expect(await code { try await DiscBurner.burn(image, plan: plan, request: BurnRequest()) } == "source-changed")
  }

  @Test func theDiscOfThePlanMustStillBeThere() async throws {
    let image = try await BurnImage(try await iso())
    let plan = try BurnPlan(size: image.size, drive: try await DiscBurner.drive(target), request: BurnRequest())
    try folder.file("disc", pattern(100_000))
    #expect(await code { try await DiscBurner.burn(image, plan: plan, request: BurnRequest()) } == "not-blank")
    #expect(try bytes(of: folder.appending("disc")) == pattern(100_000))
  }

  @Test func damageIsFoundAndNamed() async throws {
    let path = try await iso()
    var content = try bytes(of: path)
    content[1_500_000] ^= 1
    content[1_503_000] ^= 1
    try folder.file("disc", content)
    let address = target
    let image = try await BurnImage(path)
    let failure = await #expect(throws: DiscBurner.Failure.self) {
      try await BlockingThread.burn.run { _ in
        try BurnLibrary.session {
          _ = try DiscComparison(image, GrabbedDrive(address), label: "x", isCancelled: { false }).run { _ in }
        }
      }
    }
    let start: Int64 = 1_500_000 / 2048 * 2048
    let expected = DiscBurner.Failure.verifyFailed(
      drive: "x", first: ByteRange(start..<start + 4096), bad: ByteCount(4096), isUnreadable: false)
    #expect(failure == expected)
  }

  @Test func aDiscThatEndsTooSoonIsUnreadable() async throws {
    let path = try await iso()
    try folder.file("disc", Array(try bytes(of: path).prefix(1 << 20)))
    let address = target
    let image = try await BurnImage(path)
    let failure = await #expect(throws: DiscBurner.Failure.self) {
      try await BlockingThread.burn.run { _ in
        try BurnLibrary.session {
          _ = try DiscComparison(image, GrabbedDrive(address), label: "x", isCancelled: { false }).run { _ in }
        }
      }
    }
    guard case .verifyFailed(_, let first, _, let isUnreadable)? = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
    #expect(first.offset.bytes == 1 << 20 && isUnreadable)
  }

  /// What is said when the work is cancelled as soon as a step begins.
  private func saidWhenCancelled(in step: String, _ path: FilePath, _ request: BurnRequest) async throws -> String {
    let image = try await BurnImage(path)
    let plan = try BurnPlan(size: image.size, drive: try await DiscBurner.drive(target), request: request)
    let isCancelled = Mutex(false)
    let failure = await #expect(throws: DiscBurner.Failure.self) {
      try await BlockingThread.burn.run { _ in
        let job = BurnJob(image, plan, request) { event in
          if case .started(let name, _) = event, name.hasPrefix(step) { isCancelled.withLock { $0 = true } }
        } isCancelled: {
          isCancelled.withLock { $0 }
        }
        return try job.run()
      }
    }
    guard case .interrupted(let state)? = failure else { return "\(String(describing: failure))" }
    #expect(failure?.kind == .interrupted)
    return state
  }

  @Test func anInterruptedVerificationLeavesAWholeDisc() async throws {
    let iso = try await iso()
    let said = try await saidWhenCancelled(in: "verify", iso, BurnRequest())
    #expect(said == "The file is burnt to its end, but not verified.")
    let (image, disc) = (try bytes(of: iso), try bytes(of: folder.appending("disc")))
    #expect(image == disc)
  }

  @Test func anInterruptedBurnSaysThatTheDiscIsNotWhole() async throws {
    _ = try folder.sparse("big", .mebibytes(400))
    let made = try await Tool.run("xorriso", ["-as", "mkisofs", "-o", "big.iso", "big"], in: folder.path)
    #expect(made.status == 0, "\(made)")
    let said = try await saidWhenCancelled(in: "burn", folder.appending("big.iso"), BurnRequest())
    #expect(said.contains("does not hold the whole image") || said.contains("may still be blank"), "\(said)")
    #expect(DriveSearch.size(ofFileAt: target) < Int64(400) << 20)
  }

  @Test func anInterruptedSimulationLeavesTheDiscAsItWas() async throws {
    let said = try await saidWhenCancelled(in: "simulate", try await iso(), BurnRequest(isSimulation: true))
    #expect(said == "The file is unchanged: nothing was burnt.")
    #expect(!folder.names.contains("disc"))
  }
}
