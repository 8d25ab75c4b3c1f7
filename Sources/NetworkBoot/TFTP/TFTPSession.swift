// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import NIOCore
internal import NIOPosix
internal import NetworkBootProtocol

/// One transfer on its own socket: gives the state machine what comes in, and does what it says.
final class TFTPSession: ChannelDuplexHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Sent through the pipeline when the socket is connected.
  struct Begin: Sendable {}

  private let server: TFTPServer
  private let client: TFTPClient
  private let name: ObjectName
  private var transfer: TFTPTransfer
  private var blocks: TFTPBlocks
  private var timer: Scheduled<Void>?
  /// What is to be sent as soon as it is read.
  private var waiting: ClosedRange<Int>?
  private var isOver = false
  private let start = NIODeadline.now()

  init(
    _ transfer: TFTPTransfer, of name: ObjectName, _ file: OpenObject, server: TFTPServer, client: TFTPClient
  ) {
    self.transfer = transfer
    self.name = name
    self.server = server
    self.client = client
    blocks = TFTPBlocks(of: transfer, file)
  }

  func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
    guard event is Begin else { return context.triggerUserOutboundEvent(event, promise: promise) }
    promise?.succeed()
    perform(transfer.start(), context)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // The socket is connected, so the kernel lets nobody but the client in.
    guard !isOver, let packet = try? TFTPPacket(parsing: unwrapInboundIn(data).data.readableBytesView) else { return }
    perform(transfer.handle(.packet(packet)), context)
  }

  func channelInactive(context: ChannelHandlerContext) {
    isOver = true
    timer?.cancel()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // "Connection refused" is the client's computer saying that nobody is there any more.
    finish("the client left", .refusal, context)
  }

  private func perform(_ step: TFTPTransfer.Step, _ context: ChannelHandlerContext) {
    switch step.send {
    case .nothing: break
    case .options: send(transfer.options, context)
    case .error(let code): send(.error(code, []), context)
    case .blocks(let range): send(range, context)
    }
    if let delay = step.timer { setTimer(delay, context) }
    if let outcome = step.outcome { end(outcome, context) }
  }

  private func send(_ packet: TFTPPacket, _ context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: packet.serialised)), promise: nil)
  }

  private func send(_ range: ClosedRange<Int>, _ context: ChannelHandlerContext) {
    guard blocks.has(range) else {
      waiting = range
      return read(from: range.lowerBound, context)
    }
    waiting = nil
    for block in range {
      var buffer = context.channel.allocator.buffer(capacity: transfer.blockSize + TFTPPacket.dataHeaderCount)
      buffer.writeBytes(TFTPPacket.dataHeader(block: UInt16(truncatingIfNeeded: block)))
      blocks.write(block, to: &buffer)
      context.write(wrapOutboundOut(buffer), promise: nil)
    }
    context.flush()
    // What comes next is read while the client is busy with this.
    if !blocks.has(next: range.upperBound) { read(from: range.upperBound + 1, context) }
  }

  private func read(from block: Int, _ context: ChannelHandlerContext) {
    guard let load = blocks.load(from: block) else { return }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    server.files.runIfActive(eventLoop: context.eventLoop, load.read).whenComplete { result in
      let (session, context) = bound.value
      switch result {
      case .success(let bytes): session.take(bytes, load, context)
      case .failure(let error):
        session.blocks.forget(load)
        let reason = (error as? any Diagnosable)?.message ?? "\(error)"
        session.send(.error(.undefined, Array("cannot read the file".utf8)), context)
        session.finish(reason, .trouble, context)
      }
    }
  }

  private func take(_ bytes: ByteBuffer, _ load: TFTPBlocks.Load, _ context: ChannelHandlerContext) {
    blocks.take(bytes, load)
    guard !isOver, let waiting else { return }
    send(waiting, context)
  }

  private func setTimer(_ delay: Duration, _ context: ChannelHandlerContext) {
    timer?.cancel()
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: TimeAmount(delay)) {
      let (session, context) = bound.value
      guard !session.isOver else { return }
      session.perform(session.transfer.handle(.timeout), context)
    }
  }

  private func end(_ outcome: TFTPTransfer.Outcome, _ context: ChannelHandlerContext) {
    switch outcome {
    case .complete:
      let milliseconds = (NIODeadline.now() - start).nanoseconds / 1_000_000
      let seconds = "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
      let way = "blocks of \(transfer.blockSize), window \(transfer.window)"
      finish("\(ByteCount(Int64(transfer.size))) in \(seconds), \(way)", .news, context)
    case .sizeProbe: finish("size asked", .news, context)
    case .refused, .aborted, .gaveUp, .violation: finish(outcome.message, .refusal, context)
    }
  }

  private func finish(_ words: String, _ weight: ServiceEvent.Weight, _ context: ChannelHandlerContext) {
    guard !isOver else { return }
    isOver = true
    timer?.cancel()
    let sent = min(max(0, transfer.acknowledged) * transfer.blockSize, transfer.size)
    server.events.say(.init(.tftp, weight, client: client.address, name: name.text, bytes: sent, "\(name), \(words)"))
    // Now, and not when the socket is closed: the client may ask for its next file at once, from the same port.
    server.end(client)
    context.close(promise: nil)
  }
}
