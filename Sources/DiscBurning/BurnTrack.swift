// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import CISOBurn
internal import HostSystem
internal import SystemPackage

/// An image as libburn's disc with one session of one track, and the options to write it with.
final class BurnTrack {
  private let disc: OpaquePointer
  private let session: OpaquePointer
  private let track: OpaquePointer
  private let fifo: UnsafeMutablePointer<burn_source>
  private let options: OpaquePointer
  /// What libburn chose, as the standards call it.
  let mode: String

  /// libburn knows no way to write this disc; with what it says.
  struct Unwritable: Error { var reasons: [String] }

  /// 16 MiB between file and drive.
  private static let fifoChunks: Int32 = 8192

  /// Lays out the session, and lets libburn choose how to write it.
  /// - Parameter tail: zeros after the image.
  /// - Throws: `Unwritable`, `DiscBurner.Failure.library`, `OperationFailure`.
  init(_ image: BurnImage, on drive: GrabbedDrive, _ profile: DiscProfile, tail: Int, isSimulation: Bool) throws {
    fifo = try Self.source(image)
    guard let disc = burn_disc_create(), let session = burn_session_create(), let track = burn_track_create(),
      let options = burn_write_opts_new(drive.handle)
    else { throw DiscBurner.Failure.library("no memory for a session") }
    self.disc = disc
    self.session = session
    self.track = track
    self.options = options
    burn_disc_add_session(disc, session, UInt32(BURN_POS_END))
    burn_track_define_data(track, 0, Int32(tail), 1, BURN_MODE1)
    burn_session_add_track(session, track, UInt32(BURN_POS_END))
    burn_track_set_source(track, fifo)
    burn_write_opts_set_perform_opc(options, 0)
    burn_write_opts_set_multi(options, 0)
    burn_write_opts_set_underrun_proof(options, 1)
    burn_write_opts_set_simulate(options, isSimulation ? 1 : 0)
    var reasons = [CChar](repeating: 0, count: Int(BURN_REASONS_LEN))
    let type = burn_write_opts_auto_write_type(options, disc, &reasons, 0)
    guard type != BURN_WRITE_NONE else {
      mode = ""
      throw Unwritable(reasons: [BurnLibrary.string(reasons)] + BurnLibrary.problems())
    }
    // Session at once means on DVD+R that the track's length is reserved first, by a command (RESERVE TRACK) that some
    // drives lack and one track needs not: written without, the disc is the same.
    guard type == BURN_WRITE_SAO, profile.isPlusR else {
      mode = type == BURN_WRITE_SAO ? "SAO" : "TAO"
      return
    }
    burn_write_opts_set_write_type(options, BURN_WRITE_TAO, Int32(BURN_BLOCK_MODE1.rawValue))
    mode = "TAO"
  }

  deinit {
    burn_write_opts_free(options)
    burn_source_free(fifo)
    burn_track_free(track)
    burn_session_free(session)
    burn_disc_free(disc)
  }

  /// Begins to write; the drive is busy from now on.
  func start() { burn_disc_write(options, disc) }

  /// Whether the image could not be read to its end: libburn fills up with zeros and calls that well.
  var hasLostItsSource: Bool {
    var (size, free): (Int32, Int32) = (0, 0)
    var text: UnsafeMutablePointer<CChar>?
    return burn_fifo_inquire_status(fifo, &size, &free, &text) & 3 == 3
  }

  private static func source(_ image: BurnImage) throws -> UnsafeMutablePointer<burn_source> {
    let file = try OperationFailure.wrap("open", image.path) {
      try FileDescriptor.open(image.path, .readOnly, options: .closeOnExec)
    }
    // It closes the file when it is freed.
    guard let source = burn_fd_source_new(file.rawValue, -1, off_t(image.size.bytes)) else {
      try? file.close()
      throw DiscBurner.Failure.library("no memory for a source")
    }
    defer { burn_source_free(source) }
    guard let fifo = burn_fifo_source_new(source, Int32(GrabbedDrive.sector), fifoChunks, 1) else {
      throw DiscBurner.Failure.library("no memory for a buffer")
    }
    return fifo
  }
}
