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
  private let socket: TransferSocket
  private let name: ObjectName
  private var transfer: TFTPTransfer
  private var blocks: TFTPBlocks
  private var timer: Scheduled<Void>?
  /// When the state machine wants to be called; the timer may run out sooner, and is then set again.
  private var deadline = NIODeadline.distantFuture
  private var timerEnd = NIODeadline.distantFuture
  /// How many blocks the kernel takes at once and sends as one packet each (UDP_SEGMENT); 1 where it cannot.
  private var batch = 1
  /// What is to be sent as soon as it is read.
  private var waiting: ClosedRange<Int>?
  private var isOver = false
  private let start = NIODeadline.now()
  private var watch = TFTPWatch(at: .now())
  /// Counts what is acknowledged, for the list of machines.
  private let meter: TransferMeter

  init(
    _ transfer: TFTPTransfer, of name: ObjectName, _ file: OpenObject, on socket: TransferSocket, server: TFTPServer,
    client: TFTPClient
  ) {
    self.socket = socket
    self.transfer = transfer
    self.name = name
    self.server = server
    self.client = client
    blocks = TFTPBlocks(of: transfer, file)
    meter = server.desk.begin(.tftp, name.text, to: client.address)
  }

  func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
    guard event is Begin else { return context.triggerUserOutboundEvent(event, promise: promise) }
    promise?.succeed()
    prepareBatches(context)
    perform(transfer.start(), context)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // The socket is connected, so the kernel lets nobody but the client in.
    guard !isOver, let packet = try? TFTPPacket(parsing: unwrapInboundIn(data).data.readableBytesView) else { return }
    perform(transfer.handle(.packet(packet)), context)
    meter.bytes = Int64(acknowledged)
    // With other transfers about there is always something to do, and looking would take its time.
    let isWorthIt = watch.answered(at: .now())
    if isWorthIt, transfer.window == 1, waiting == nil, !isOver, server.transfers.count == 1 {
      socket.lookForPacket(until: .now() + TFTPWatch.patience)
    }
  }

  /// How many bytes the client has.
  private var acknowledged: Int { min(max(0, transfer.acknowledged) * transfer.blockSize, transfer.size) }

  func channelInactive(context: ChannelHandlerContext) {
    isOver = true
    server.desk.end(meter, whole: acknowledged == transfer.size)
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
    for first in stride(from: range.lowerBound, through: range.upperBound, by: batch) {
      write(first...min(first + batch - 1, range.upperBound), context)
    }
    context.flush()
    // What comes next is read while the client is busy with this.
    if !blocks.has(next: range.upperBound) { read(from: range.upperBound + 1, context) }
  }

  private func write(_ range: ClosedRange<Int>, _ context: ChannelHandlerContext) {
    let size = transfer.blockSize + TFTPPacket.dataHeaderCount
    var buffer = context.channel.allocator.buffer(capacity: size * range.count)
    for block in range {
      buffer.writeBytes(TFTPPacket.dataHeader(block: UInt16(truncatingIfNeeded: block)))
      blocks.write(block, to: &buffer)
    }
    guard batch > 1 else { return context.write(wrapOutboundOut(buffer), promise: nil) }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    context.write(wrapOutboundOut(buffer)).whenFailure { _ in
      // A path with smaller packets than the block: the kernel cuts single packets into fragments, but no batches. What
      // was lost is repeated by the timer.
      let (session, context) = bound.value
      session.batch = 1
      try? context.channel.syncOptions?.setOption(.datagramSegmentSize, value: 0)
    }
  }

  /// Windows go out in batches, which costs one system call and one walk through the network stack for many packets.
  private func prepareBatches(_ context: ChannelHandlerContext) {
    let size = transfer.blockSize + TFTPPacket.dataHeaderCount
    // The kernel takes 64 packets and 64 KiB at most.
    let most = min(transfer.window, 64, 65_000 / size)
    guard most > 1, System.supportsUDPSegmentationOffload, let options = context.channel.syncOptions,
      (try? options.setOption(.datagramSegmentSize, value: CInt(size))) != nil
    else { return }
    batch = most
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

  /// With each block the deadline moves on; the timer is left alone until it has run out, because setting it costs more
  /// than a block.
  private func setTimer(_ delay: Duration, _ context: ChannelHandlerContext) {
    deadline = .now() + TimeAmount(delay)
    guard timer == nil || deadline < timerEnd else { return }
    timer?.cancel()
    timerEnd = deadline
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(deadline: deadline) {
      let (session, context) = bound.value
      session.timerEnded(context)
    }
  }

  private func timerEnded(_ context: ChannelHandlerContext) {
    timer = nil
    guard !isOver else { return }
    let left = deadline - .now()
    guard left <= .zero else { return setTimer(Duration(left), context) }
    perform(transfer.handle(.timeout), context)
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
    let sent = acknowledged
    meter.bytes = Int64(sent)
    server.desk.end(meter, whole: sent == transfer.size)
    server.events.say(.init(.tftp, weight, client: client.address, name: name.text, bytes: sent, "\(name), \(words)"))
    // Now, and not when the socket is closed: the client may ask for its next file at once, from the same port.
    server.end(client)
    context.close(promise: nil)
  }
}
