// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootSite
@preconcurrency internal import Glibc
internal import HostSystem
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// One client's connection: request after request, each answered before the next is read (NIO's pipeline handler keeps
/// the order).
///
/// UEFI firmware asks HEAD and then GET on one connection, and resets it.
final class HTTPConnection: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let server: HTTPServer
  private let client: String
  private var request: HTTPRequestHead?
  private var hasBody = false
  private var closesAfterwards = false
  private var isAnswering = false
  private var sending: FileSending?
  /// When the client did something last: a complete request, or enough of an answer taken.
  private var lastProgress = NIODeadline.now()
  /// How much of an answer it had taken then.
  private var takenThen = 0
  private var watch: RepeatedTask?

  init(server: HTTPServer, client: String) {
    self.server = server
    self.client = client
  }

  func channelActive(context: ChannelHandlerContext) {
    lastProgress = .now()
    let interval = TimeAmount(min(min(server.limits.requestPatience, server.limits.patience) / 4, .seconds(1)))
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    watch = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
      let (connection, context) = bound.value
      connection.closeIfStalled(context)
    }
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    watch?.cancel()
    watch = nil
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed? = event as? ChannelEvent else {
      return context.fireUserInboundEventTriggered(event)
    }
    closesAfterwards = true
    if !isAnswering { context.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Requests that are none were answered by NIO's error handler; a reset is how UEFI ends.
    context.close(promise: nil)
  }

  private func closeIfStalled(_ context: ChannelHandlerContext) {
    if let sending {
      guard !sending.isGivenUp else { return }
      if sending.isCutShort { return giveUp(sending, Self.cutShort, context) }
      let waiting = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
      let taken = sending.handedOut - waiting
      if taken - takenThen >= server.limits.leastTaken { (takenThen, lastProgress) = (taken, .now()) }
    }
    let patience = sending == nil ? server.limits.requestPatience : server.limits.patience
    guard NIODeadline.now() - lastProgress > TimeAmount(patience) else { return }
    guard let sending else { return reset(context) }
    giveUp(sending, "next to nothing taken for \(patience.components.seconds) s", context)
  }

  private static let cutShort = "its file was cut short while it was sent"

  /// Ends an answer that cannot be finished, so that the client sees a broken connection and never a short file.
  private func giveUp(_ sending: FileSending, _ reason: String, _ context: ChannelHandlerContext) {
    sending.isGivenUp = true
    server.events.say(
      .init(
        .http, .trouble, client: client, name: sending.name, bytes: sending.sent,
        "\(sending.name): \(reason), given up after \(sending.sent) bytes"))
    reset(context)
  }

  /// Ends the connection with a reset: the kernel would else keep what the client does not take, for minutes.
  private func reset(_ context: ChannelHandlerContext) {
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    let options = context.channel as? any SocketOptionProvider
    let isSet = options?.setSoLinger(linger(l_onoff: 1, l_linger: 0)) ?? context.eventLoop.makeSucceededVoidFuture()
    isSet.whenComplete { _ in bound.value.close(promise: nil) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      request = head
      hasBody = false
    case .body(let bytes): if bytes.readableBytes > 0 { hasBody = true }
    case .end:
      guard let request else { return }
      self.request = nil
      lastProgress = .now()
      answer(request, context)
    }
  }

  private func answer(_ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
    isAnswering = true
    // A body means nothing to GET and HEAD, and is how requests are smuggled.
    closesAfterwards = !request.isKeepAlive || hasBody
    let set = server.sets.current
    let answer =
      hasBody && [.GET, .HEAD].contains(request.method)
      ? HTTPAnswer.refusal(.badRequest, "it has a body")
      : HTTPAnswer.decide(request, in: set, authorities: authorities(context, set)) {
        server.desk.admission($0, from: client, to: context.localAddress?.ipAddress)
      }
    guard let body = answer.body else {
      if let reason = answer.reason {
        server.events.say(.init(.http, .refusal, client: client, "\(answer.status.code), \(reason)"))
      }
      return finish(answer, for: request, context)
    }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    server.files.runIfActive(eventLoop: context.eventLoop) { try set.open(body.object).duplicate() }
      .whenComplete { result in
        let (connection, context) = bound.value
        switch result {
        case .success(let descriptor):
          connection.send(body, from: descriptor, answer, to: request, context)
        case .failure(let error): connection.fail(body.object, error, request, context)
        }
      }
  }

  /// The names that a complete URL may give this server.
  private func authorities(_ context: ChannelHandlerContext, _ set: BootSet) -> [String] {
    var names = set.index.servers.map { $0.replacing("http://", with: "") }
    if let address = context.localAddress, let host = address.ipAddress {
      names += ["\(host):\(address.port ?? 80)"] + (address.port == 80 ? [host] : [])
    }
    return names
  }

  private func fail(
    _ object: SetIndex.Object, _ error: any Error, _ request: HTTPRequestHead, _ context: ChannelHandlerContext
  ) {
    let reason = (error as? any Diagnosable)?.message ?? "\(error)"
    server.events.say(.init(.http, .trouble, client: client, name: object.name, "\(object.name): \(reason)"))
    finish(HTTPAnswer.refusal(.serviceUnavailable, reason), for: request, context)
  }

  /// Sends an answer without a body.
  private func finish(_ answer: HTTPAnswer, for request: HTTPRequestHead, _ context: ChannelHandlerContext) {
    context.write(wrapOutboundOut(.head(head(answer, request))), promise: nil)
    if let text = answer.text, request.method == .GET {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
    }
    end(context)
  }

  private func head(_ answer: HTTPAnswer, _ request: HTTPRequestHead) -> HTTPResponseHead {
    var headers = answer.headers
    headers.add(name: "Date", value: HTTPDate.now())
    headers.add(name: "Server", value: "lifeboat")
    if closesAfterwards {
      headers.add(name: "Connection", value: "close")
    } else if request.version != .http1_1 {
      headers.add(name: "Connection", value: "keep-alive")
    }
    return HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers)
  }

  private func end(_ context: ChannelHandlerContext) {
    lastProgress = .now()
    sending = nil
    isAnswering = false
    let isLast = closesAfterwards
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
      if isLast { bound.value.close(promise: nil) }
    }
  }
}

extension HTTPConnection {
  private func send(
    _ body: (object: SetIndex.Object, range: Range<Int>), from descriptor: CInt, _ answer: HTTPAnswer,
    to request: HTTPRequestHead, _ context: ChannelHandlerContext
  ) {
    let sending = FileSending(body.object, body.range, descriptor)
    context.write(wrapOutboundOut(.head(head(answer, request))), promise: nil)
    guard request.method == .GET else {
      sending.close()
      server.events.say(.init(.http, client: client, name: sending.name, bytes: 0, "\(sending.name), size asked"))
      return end(context)
    }
    self.sending = sending
    sending.meter = server.desk.begin(.http, sending.name, to: client)
    (takenThen, lastProgress) = (0, .now())
    sendPiece(of: sending, context)
  }

  private func sendPiece(of sending: FileSending, _ context: ChannelHandlerContext) {
    guard !sending.isCutShort else {
      drop(sending)
      return giveUp(sending, Self.cutShort, context)
    }
    guard let piece = sending.next(server.limits.piece) else {
      drop(sending)
      server.events.say(
        .init(.http, client: client, name: sending.name, bytes: sending.sent, sending.summary))
      return end(context)
    }
    let bound = NIOLoopBound((self, context, sending), eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(.body(.fileRegion(piece)))).whenComplete { result in
      let (connection, context, sending) = bound.value
      switch result {
      case .success:
        sending.sent += piece.readableBytes
        sending.meter?.bytes = Int64(sending.sent)
        connection.sendPiece(of: sending, context)
      case .failure(let error): connection.breakOff(sending, error, context)
      }
    }
  }

  /// Nothing of it is sent any more.
  private func drop(_ sending: FileSending) {
    if let meter = sending.meter { server.desk.end(meter, whole: sending.isWhole) }
    sending.close()
    self.sending = nil
  }

  /// The file cannot be read any more; or the client went away, as UEFI does when it does not like what it gets.
  private func breakOff(_ sending: FileSending, _ error: any Error, _ context: ChannelHandlerContext) {
    drop(sending)
    guard !sending.isGivenUp else { return }
    if let trouble = FileSending.fileTrouble(error) {
      return giveUp(sending, "its file cannot be read: \(trouble)", context)
    }
    server.events.say(
      .init(
        .http, client: client, name: sending.name, bytes: sending.sent,
        "\(sending.name), the client left after \(ByteCount(Int64(sending.sent)))"))
    context.close(promise: nil)
  }
}
