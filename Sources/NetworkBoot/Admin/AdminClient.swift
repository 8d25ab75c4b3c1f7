// SPDX-License-Identifier: GPL-3.0-or-later
internal import FoundationEssentials
public import HostSystem
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
public import SystemPackage

/// Asks a running service over its admin socket.
public struct AdminClient: Sendable {
  private let path: FilePath

  /// The socket of a service.
  public init(_ path: FilePath) { self.path = path }

  /// An answer that is a refusal, as the service words it.
  public struct Refusal: Diagnosable, Equatable {
    /// Stable identifier.
    public let code: String
    /// What is wrong.
    public let message: String
    /// What to do.
    public let remedy: String?
    /// What sort of failure it is.
    public let kind: FailureKind
  }

  /// All machines.
  /// - Throws: `NetworkBootFailure.notRunning`, `.adminSocket`, `Refusal`.
  public func machines() async throws -> [MachineReport] {
    try await ask(.GET, "/machines", as: MachineList.self).machines
  }

  /// The service.
  /// - Throws: as `machines`.
  public func status() async throws -> ServiceStatus { try await ask(.GET, "/status", as: ServiceStatus.self) }

  /// Says something about a machine.
  /// - Throws: as `machines`.
  public func give(_ order: MachineOrder) async throws -> MachineOutcome {
    var words = ["machine": order.machine]
    words["image"] = order.image
    return try await ask(.POST, "/machines/\(order.word)", try StableJSON.line(words), as: MachineOutcome.self)
  }

  private func ask<Answer: Decodable>(
    _ method: HTTPMethod, _ target: String, _ body: String = "", as type: Answer.Type
  ) async throws -> Answer {
    let response: NIOHTTPClientResponseFull
    do { response = try await exchange(method, target, body) } catch let error as IOError {
      switch Errno(rawValue: error.errnoCode) {
      case .noSuchFileOrDirectory, .connectionRefused: throw NetworkBootFailure.notRunning(path)
      case let errno: throw NetworkBootFailure.adminSocket(path, reason: "\(errno)")
      }
    }
    let bytes = Data(response.body.map { Array($0.readableBytesView) } ?? [])
    if let refusal = try? JSONDecoder().decode(AdminAnswer.Refusal.self, from: bytes).error {
      throw Refusal(
        code: refusal.code, message: refusal.message, remedy: refusal.remedy,
        kind: refusal.kind ?? .defect)
    }
    guard let answer = try? JSONDecoder().decode(type, from: bytes) else {
      throw NetworkBootFailure.adminSocket(path, reason: "what answers there is not this version of Lifeboat")
    }
    return answer
  }

  private func exchange(_ method: HTTPMethod, _ target: String, _ body: String) async throws
    -> NIOHTTPClientResponseFull
  {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let promise = loop.makePromise(of: NIOHTTPClientResponseFull.self)
    do {
      let channel = try await ClientBootstrap(group: loop)
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            let operations = channel.pipeline.syncOperations
            try operations.addHTTPClientHandlers()
            try operations.addHandler(NIOHTTPClientResponseAggregator(maxContentLength: 64 << 20))
            try operations.addHandler(Receiver(promise))
          }
        }
        .connect(unixDomainSocketPath: path.string).get()
      let headers: HTTPHeaders = ["Host": "lifeboat", "Connection": "close", "Content-Length": "\(body.utf8.count)"]
      let head = HTTPRequestHead(version: .http1_1, method: method, uri: target, headers: headers)
      channel.write(HTTPClientRequestPart.head(head), promise: nil)
      channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(string: body))), promise: nil)
      channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    } catch {
      promise.fail(error)
    }
    return try await promise.futureResult.get()
  }
}

/// Takes the one answer.
private final class Receiver: ChannelInboundHandler {
  typealias InboundIn = NIOHTTPClientResponseFull

  private let promise: EventLoopPromise<NIOHTTPClientResponseFull>

  init(_ promise: EventLoopPromise<NIOHTTPClientResponseFull>) { self.promise = promise }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    promise.succeed(unwrapInboundIn(data))
    context.close(promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    promise.fail(error)
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    // Not the first word about it, if the answer was there.
    promise.fail(ChannelError.eof)
    context.fireChannelInactive()
  }
}
