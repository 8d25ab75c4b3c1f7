// SPDX-License-Identifier: GPL-3.0-or-later
internal import CLinux
@preconcurrency internal import Glibc
internal import HostSystem
internal import SystemPackage

/// Reads an image's bytes at given places; belongs to one thread.
protocol PieceReader: AnyObject {
  /// Fills the buffer's start with a range of the image; returns how many bytes there were before its end.
  func read(_ range: Range<Int64>, into buffer: AlignedBuffer) throws(FlashMediaFailure.SourceProblem) -> Int
  /// Confirms, after the last byte, that what was read is all there was and has not changed.
  func finish() throws(FlashMediaFailure.SourceProblem)
}

/// A plain file, read at any place.
final class RawReader: PieceReader {
  private let descriptor: FileDescriptor
  private let stamp: FileStamp
  /// Bytes of the file.
  var size: Int64 { stamp.size }

  init(_ path: FilePath) throws(FlashMediaFailure.SourceProblem) {
    do { descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec) } catch {
      throw .unreadable(error as? Errno ?? .ioError)
    }
    stamp = FileStamp(descriptor)
    posix_fadvise(descriptor.rawValue, 0, 0, POSIX_FADV_SEQUENTIAL)
  }

  deinit { try? descriptor.close() }

  func read(_ range: Range<Int64>, into buffer: AlignedBuffer) throws(FlashMediaFailure.SourceProblem) -> Int {
    do throws(Errno) {
      return try buffer.read(0..<Int(range.upperBound - range.lowerBound), from: descriptor, at: range.lowerBound)
    } catch { throw .unreadable(error) }
  }

  func finish() throws(FlashMediaFailure.SourceProblem) {
    guard FileStamp(descriptor) == stamp else { throw .changed }
  }
}

/// What changes when somebody writes to a file.
struct FileStamp: Equatable, Sendable {
  let size: Int64
  let seconds: Int
  let nanoseconds: Int
  let isRegular: Bool

  init(_ descriptor: FileDescriptor) {
    var status = stat()
    let known = fstat(descriptor.rawValue, &status) == 0
    size = known ? Int64(status.st_size) : -1
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
    isRegular = known && status.st_mode & S_IFMT == S_IFREG
  }
}

/// What a decoder writes into a pipe; going back means starting it anew.
final class DecodedReader: PieceReader {
  private let command: ExternalCommand
  private let scratch = AlignedBuffer(count: 1 << 18)
  private var run: DecoderRun?
  private var position: Int64 = 0

  init(_ command: ExternalCommand) { self.command = command }

  deinit { run?.stop() }

  func read(_ range: Range<Int64>, into buffer: AlignedBuffer) throws(FlashMediaFailure.SourceProblem) -> Int {
    if range.lowerBound < position {
      run?.stop()
      run = nil
    }
    let run: DecoderRun
    if let current = self.run { run = current } else { run = try start() }
    while position < range.lowerBound {
      let count = Int(min(Int64(scratch.count), range.lowerBound - position))
      guard try take(count, from: run, into: scratch) == count else { return 0 }
    }
    return try take(Int(range.upperBound - range.lowerBound), from: run, into: buffer)
  }

  private func start() throws(FlashMediaFailure.SourceProblem) -> DecoderRun {
    let new = try DecoderRun(command)
    run = new
    position = 0
    return new
  }

  private func take(_ count: Int, from run: DecoderRun, into buffer: AlignedBuffer)
    throws(FlashMediaFailure.SourceProblem) -> Int
  {
    let got: Int
    do throws(Errno) { got = try buffer.read(0..<count, fromPipe: run.output) } catch { throw .unreadable(error) }
    position += Int64(got)
    // At the end of the pipe the decoder tells whether that was the end of the image.
    if got < count { try run.confirm() }
    return got
  }

  func finish() throws(FlashMediaFailure.SourceProblem) {
    guard let run else { return }
    let more: Int
    do throws(Errno) { more = try scratch.read(0..<1, fromPipe: run.output) } catch { throw .unreadable(error) }
    guard more == 0 else { throw .tooLong(expected: ByteCount(position)) }
    try run.confirm()
  }
}

/// A decoder at work.
final class DecoderRun: Sendable {
  let output: FileDescriptor
  private let ending = Monitor<Result<Void, FlashMediaFailure.SourceProblem>?>(nil)
  private let task: Task<Void, Never>

  init(_ command: ExternalCommand) throws(FlashMediaFailure.SourceProblem) {
    var reading: Int32 = -1
    var writing: Int32 = -1
    let result = linux_pipe(&reading, &writing)
    guard result == 0 else { throw .unreadable(Errno(rawValue: -result)) }
    output = FileDescriptor(rawValue: reading)
    let input = FileDescriptor(rawValue: writing)
    task = Task { [ending] in
      do {
        try await command.run(standardOutput: input)
        ending.change { $0 = .success(()) }
      } catch ExternalCommand.Failure.failed(_, _, let lines) {
        ending.change { $0 = .failure(.decoder(lines.last ?? "\(command.program) failed")) }
      } catch {
        ending.change { $0 = .failure(.decoder("\(error)")) }
      }
    }
  }

  deinit { try? output.close() }

  /// Waits for its end, and says how it ended.
  func confirm() throws(FlashMediaFailure.SourceProblem) {
    switch ending.wait({ $0 }) {
    case .success: break
    case .failure(let problem): throw problem
    }
  }

  /// Ends it early.
  func stop() { task.cancel() }
}
