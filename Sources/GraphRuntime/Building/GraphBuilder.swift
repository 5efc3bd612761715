internal import FluxGraph
internal import Glibc
internal import GraphLanguage
internal import Platform

/// Turns a plan into chains, recognisers and event nodes, linked as the plan says. Nothing runs yet.
struct GraphBuilder {
  private let plan: Plan
  private let table: LinkTable
  private let services: GraphServices
  private let supervisor: any GraphSupervisor
  private var consumers: [Int: any EventConsumer] = [:]
  private let taps: TapDirectory
  private(set) var parts: [GraphPart] = []
  /// The inputs of joining stages that have not been linked yet, the first one last.
  private var joins: [Int: [AudioQueue]] = [:]

  private(set) var chains: [AudioChain] = []
  private(set) var sinks: [(node: PlanNode, sink: EventSinkNode)] = []
  private(set) var immediateSinkCount = 0
  private(set) var recogniserCount = 0
  /// By the recogniser they hold back; none for live audio, which cannot wait.
  private(set) var gates: [Int: AudioGate] = [:]

  init(plan: Plan, services: GraphServices, supervisor: any GraphSupervisor, taps: TapDirectory) {
    self.taps = taps
    self.plan = plan
    table = LinkTable(plan)
    self.services = services
    self.supervisor = supervisor
  }

  /// Builds everything, from the sinks backwards for events and from the sources forwards for audio.
  mutating func build() throws {
    for node in plan.nodes where node.output == .events {
      if case .audio(let type)? = node.input, type.liveness == .finite { gates[node.id] = AudioGate() }
    }
    for node in plan.nodes.reversed() where node.input == .events {
      consumers[node.id] = try eventConsumer(node)
    }
    for node in plan.nodes where node.input == nil { try buildSource(node) }
  }

  // MARK: - Events

  private mutating func eventConsumer(_ node: PlanNode) throws -> any EventConsumer {
    let producers = table.inputs(of: node.id).count
    let stage = try make(node)
    if let transform = stage.form.eventTransform {
      let outputs = [fanOut(node.id, port: nil)] + ports(of: node).values
      return EventTransformNode(
        transform, producers: producers, outputs: outputs, context: context(node))
    }
    guard let stage = stage.form.eventSink else { throw misuse(node) }
    if let immediate = stage.immediate { return immediateSink(immediate, node) }
    let policy = plan.queuePolicy(of: node) ?? QueuePolicy()
    let queue = EventQueue(policy, gates: gates(above: node.id))
    let sink = EventSinkNode(
      title: node.title, queue: queue, producers: producers, ports: ports(of: node),
      context: context(node, queue: SinkQueue(policy: policy, hasEnded: { queue.hasEnded })))
    sinks.append((node, sink))
    parts.append(GraphPart(.sink, [node], sink: sink))
    return sink
  }

  private mutating func immediateSink(_ sink: any ImmediateEventSink, _ node: PlanNode) -> any EventConsumer {
    immediateSinkCount += 1
    let supervisor = supervisor
    supervisor.partAdded()
    let consumer = ImmediateSinkNode(sink, producers: table.inputs(of: node.id).count)
    let part = GraphPart(.sink, [node], immediateSink: consumer)
    parts.append(part)
    consumer.onEnd {
      part.end(nil)
      supervisor.partEnded(endsSink: true)
    }
    return consumer
  }

  /// Those of the recognisers whose events arrive at a stage.
  private func gates(above node: Int) -> [AudioGate] {
    plan.recognisers(above: node).compactMap { gates[$0] }
  }

  private func fanOut(_ node: Int, port: String?) -> EventFanOut {
    let tap = port == nil ? StreamTap(plan.nodes[node].title) : nil
    if let tap { taps.add(tap) }
    return EventFanOut(
      table.outputs(of: node).filter { $0.port == port }.compactMap { consumers[$0.to] }, tap: tap)
  }

  private func ports(of node: PlanNode) -> [String: EventFanOut] {
    var ports: [String: EventFanOut] = [:]
    for link in table.outputs(of: node.id) {
      if let port = link.port, ports[port] == nil { ports[port] = fanOut(node.id, port: port) }
    }
    return ports
  }

  // MARK: - Audio

  private mutating func buildSource(_ node: PlanNode) throws {
    let route = WakeRoute()
    let stage = try make(node)
    let context = context(node, route)
    if let source = stage.form.audioSource {
      try buildChain(
        tapped(marked(SourceProducer(source, context), node, route), node), of: [node], route)
    } else if let source = stage.form.byteSource {
      let links = table.outputs(of: node.id)
      guard links.count == 1 else { throw misuse(node) }
      let decoderNode = plan.nodes[links[0].to]
      let makeDecoder = { [self] () throws -> any AudioDecoder in
        guard let decoder = try make(decoderNode).form.audioDecoder else { throw misuse(node) }
        return decoder
      }
      let producer = try DecoderProducer(
        source, context, makeDecoder, self.context(decoderNode, route), wanted: decoderNode.wanted ?? .any)
      try buildChain(
        tapped(marked(producer, node, route), decoderNode), of: [node, decoderNode], route)
    } else {
      throw misuse(node)
    }
  }

  /// Puts stages behind what gives samples as long as one leads to one other, up to a sink or to branches, and makes a chain of it.
  /// - Parameters:
  ///   - nodes: what the head is made of; the chain is known by its first stage.
  ///   - next: the stage behind the head, where that is a queue.
  ///   - queues: what the head reads from.
  private mutating func buildChain(
    _ head: AudioProducer, of nodes: [PlanNode], behind next: PlanNode? = nil, _ route: WakeRoute,
    readsFrom queues: [AudioQueue] = []
  ) throws {
    var (producer, nodes, next) = (head, nodes, next)
    while true {
      guard let node = next ?? nodes.last.flatMap(successor) else {
        let links = nodes.last.map { table.outputs(of: $0.id).filter { $0.port == nil } } ?? []
        let branches = try links.map { try branch(to: plan.nodes[$0.to]) }
        return add(producer, .branches(branches), of: nodes, route, queues)
      }
      let stage = try make(node)
      if let longer = extended(producer, by: stage, node, route) {
        producer = tapped(longer, node)
        nodes.append(node)
      } else if let sink = stage.form.audioSink {
        let tail = AudioTail.sink(marked(AudioSinkTail(sink, context(node, route)), node, route))
        return add(producer, tail, of: nodes + [node], route, queues)
      } else if next == nil {
        return add(producer, .branches([try branch(to: node)]), of: nodes, route, queues)
      } else {
        throw misuse(node)
      }
      next = nil
    }
  }

  /// The only stage the audio of a stage goes to, if that takes no other.
  private func successor(of node: PlanNode) -> PlanNode? {
    let links = table.outputs(of: node.id).filter { $0.port == nil }
    guard links.count == 1, table.inputs(of: links[0].to).count == 1 else { return nil }
    return plan.nodes[links[0].to]
  }

  /// A producer with one more stage; nil for a stage that cannot go in a chain.
  private func extended(
    _ producer: AudioProducer, by stage: any Stage, _ node: PlanNode, _ route: WakeRoute
  ) -> AudioProducer? {
    let longer: AudioProducer
    switch stage.form {
    case .audioTransform(let stage): longer = TransformProducer(producer, stage, context(node, route))
    case .audioConverter(let stage): longer = ConverterProducer(producer, stage, context(node, route))
    case .audioMixer(let stage): longer = ConverterProducer(producer, stage, context(node, route))
    case .audioRelay(let stage): longer = RelayProducer(producer, stage, context(node, route))
    default: return nil
    }
    return marked(longer, node, route)
  }

  /// The producer of a stage that has a name of its own, with a place to listen.
  private func tapped(_ producer: AudioProducer, _ node: PlanNode) -> AudioProducer {
    guard let name = node.name, case .audio = node.output else { return producer }
    let tap = StreamTap(name)
    taps.add(tap)
    return TapProducer(producer, tap)
  }

  private mutating func add(
    _ producer: AudioProducer, _ tail: AudioTail, of nodes: [PlanNode], _ route: WakeRoute,
    _ queues: [AudioQueue]
  ) {
    let node = nodes[0]
    let ports = nodes.flatMap { self.ports(of: $0).values }
    let liveness: Liveness =
      switch node.output {
      case .audio(let type): type.liveness
      case .bytes(let type): type.liveness
      default: .finite
      }
    let supervisor = supervisor
    let shared = SharedNode(node)
    supervisor.partAdded()
    let part = GraphPart(.chain, nodes)
    for queue in queues { part.connect(queue) }
    parts.append(part)
    let endsSink = if case .sink = tail { true } else { false }
    let chain = AudioChain(
      title: node.title, producer: producer, tail: tail, liveness: liveness,
      isPaced: nodes.contains { $0.specification.role == .pace }, trace: route.trace,
      failed: { error, place in supervisor.partFailed(place ?? StagePlace(shared.node), error) },
      ended: { error in
        for port in ports { port.end() }
        part.end(error)
        supervisor.partEnded(endsSink: endsSink)
      })
    part.connect(chain)
    route.connect(chain)
    chains.append(chain)
  }

  /// The queue in front of a stage that has a branch to itself.
  private mutating func branch(to node: PlanNode) throws -> AudioBranch {
    let stage = try make(node)
    // A stage that only joins does so with a single stream, too.
    let onlyJoins = if case .audioJoiner = stage.form { true } else { false }
    if table.inputs(of: node.id).count > 1 || onlyJoins { return try inputBranch(of: node) }
    if stage.form.recogniser != nil { return recogniserBranch(node) }
    let route = WakeRoute()
    let queue = queue(before: route)
    try buildChain(
      QueueProducer(queue, context(node, route)), of: [], behind: node, route, readsFrom: [queue])
    return AudioBranch(queue: queue)
  }

  /// The queue in front of the next input of a stage that joins several.
  private mutating func inputBranch(of node: PlanNode) throws -> AudioBranch {
    if joins[node.id] == nil {
      guard let joiner = try make(node).form.audioJoiner else { throw misuse(node) }
      let route = WakeRoute()
      let inputs = table.inputs(of: node.id).map { link -> JoinProducer.Input in
        let type =
          if case .audio(let type)? = plan.nodes[link.from].output { type } else {
            AudioStreamType(liveness: .finite)
          }
        return JoinProducer.Input(queue(before: route), type)
      }
      let queues = inputs.map(\.queue)
      joins[node.id] = queues.reversed()
      try buildChain(
        tapped(marked(JoinProducer(inputs, joiner, context(node, route)), node, route), node), of: [node],
        route, readsFrom: queues)
    }
    guard let queue = joins[node.id]?.popLast() else { throw misuse(node) }
    return AudioBranch(queue: queue)
  }

  /// A queue whose news wakes the chain that reads from it.
  private func queue(before route: WakeRoute) -> AudioQueue {
    let queue = AudioQueue()
    queue.onChange { route.wake() }
    return queue
  }

  private mutating func recogniserBranch(_ node: PlanNode) -> AudioBranch {
    recogniserCount += 1
    let output = fanOut(node.id, port: nil)
    let ports = ports(of: node)
    let context = context(node)
    let shared = SharedNode(node)
    let supervisor = supervisor
    let liveness: Liveness = if case .audio(let type)? = node.input { type.liveness } else { .finite }
    let gate = gates[node.id]
    supervisor.partAdded()
    let part = GraphPart(.recogniser, [node])
    parts.append(part)
    let endOutputs: @Sendable () -> Void = {
      output.end()
      for port in ports.values { port.end() }
    }
    let queue = AudioQueue()
    part.connect(queue)
    queue.onOpen { [unowned queue] in
      let queue = queue
      guard queue.isOpen else {
        part.end(nil)
        endOutputs()
        supervisor.partEnded(endsSink: false)
        return
      }
      let inlet = AudioInlet(queue, liveness: liveness, gate: gate)
      let outlet = EventOutlet { event in
        supervisor.counted(event)
        output.emit(event)
      }
      let end: @Sendable ((any Error)?) -> Void = { error in
        if let error { supervisor.partFailed(StagePlace(shared.node), error) }
        queue.close()
        part.end(error)
        endOutputs()
      }
      supervisor.begin { over in
        do {
          let stage = try shared.node.specification.make(shared.node.settings)
          let recogniser = stage.form.recogniser
          if var recogniser = recogniser?.onLoop {
            return try await recogniser.begin(inlet, into: outlet, context) { error in
              end(error)
              over()
            }
          }
          if var recogniser { try await recogniser.run(inlet, into: outlet, context) }
        } catch {
          end(error)
          over()
          return {}
        }
        end(nil)
        over()
        return {}
      }
    }
    var isPaced = false
    // A live source does not wait.
    if case .audio(let type)? = node.input { isPaced = type.isPaced && type.liveness == .finite }
    return AudioBranch(queue: queue, isPaced: isPaced)
  }

  // MARK: - Parts

  private func make(_ node: PlanNode) throws -> any Stage {
    do {
      return try node.specification.make(node.settings)
    } catch {
      throw StageError(.badGraph, "\(node.location): \(node.specification.name) \(error.message)")
    }
  }

  /// Has a producer say when its stage is at work.
  private func marked(_ producer: AudioProducer, _ node: PlanNode, _ route: WakeRoute) -> AudioProducer {
    producer.mark = route.trace.mark(StagePlace(node))
    return producer
  }

  private func marked(_ tail: AudioSinkTail, _ node: PlanNode, _ route: WakeRoute) -> AudioSinkTail {
    tail.mark = route.trace.mark(StagePlace(node))
    return tail
  }

  private func context(
    _ node: PlanNode, _ route: WakeRoute? = nil, queue: SinkQueue = SinkQueue()
  ) -> StageContext {
    let ports = ports(of: node)
    // What is captured is kept for each stage, a thousand times in a large graph: no whole node, no whole services.
    let (title, location) = (node.title, node.location)
    let (notice, commands) = (services.notice, services.commands)
    let (fileMade, number) = (services.fileMade, node.id)
    var world = services.world
    let disk = lane(of: node, noticing: ports["notices"], queue)
    world.disk = disk
    if node.specification.role == .decode, hasAutomaticMix(behind: node) { world.provide(UnaskedMix()) }
    return StageContext(
      name: title, category: node.specification.name, location: location,
      directory: node.directory ?? plan.directory, world: world,
      waker: .init(
        wake: { route?.wake() },
        wakeWhenReadable: { descriptor in route?.watch(descriptor, events: Int32(POLLIN)) },
        wakeWhenWritable: { descriptor in route?.watch(descriptor, events: Int32(POLLOUT)) }),
      noticeHandler: { notice($0, location) },
      portHandler: { event, port in ports[port]?.emit(event) }, secrets: plan.secrets,
      commandRegistrar: { commands.add(title, $0) },
      hangUpRegistrar: { commands.addHangUp($0) }, queue: queue,
      files: OutputFiles(
        making: { fileMade(number, $0) }, opening: { [disk] in disk.works(on: $0) },
        opened: { [weak supervisor] in supervisor?.files.opened($0, $1, by: number, title) },
        taking: { [weak supervisor] in supervisor?.files.take($0, for: number) ?? true },
        refusal: { [weak supervisor] in supervisor?.files.refusal(of: $0, $1, for: number) }),
      failing: { [weak supervisor] in supervisor?.hasFailed ?? false }, end: supervisor.end,
      linkedPorts: Set(ports.keys))
  }

  /// Where a stage reads and writes files.
  private func lane(
    of node: PlanNode, noticing port: EventFanOut?, _ queue: SinkQueue
  ) -> any BlockingThread {
    let (title, location, notice, loop) = (node.title, node.location, services.notice, services.world.loop)
    return services.disk.lane(
      tell: { told in
        var named = told
        named.stream = title
        // Whoever is told may take his time, or wait for a disk himself.
        loop.execute { [named] in
          notice(named, location)
          port?.emit(.notice(named))
        }
      }, isEnding: queue.hasEnded)
  }

  private func hasAutomaticMix(behind node: PlanNode) -> Bool {
    table.outputs(of: node.id).contains { link in
      let next = plan.nodes[link.to]
      if next.specification.role == .mix { return next.isAutomatic }
      return next.output != .events && hasAutomaticMix(behind: next)
    }
  }

  /// The checker let something through that cannot be run: a fault of this program, told as one.
  private func misuse(_ node: PlanNode) -> StageError {
    StageError(.internal, "\(node.location): \(node.specification.name) cannot stand here")
  }
}

/// The links of a plan by their ends: a large graph is built without going through all of them for each stage.
private struct LinkTable {
  private var into: [[PlanLink]]
  private var outOf: [[PlanLink]]

  init(_ plan: Plan) {
    into = Array(repeating: [], count: plan.nodes.count)
    outOf = into
    for link in plan.links {
      into[link.to].append(link)
      outOf[link.from].append(link)
    }
  }

  func inputs(of node: Int) -> [PlanLink] { into[node] }
  func outputs(of node: Int) -> [PlanLink] { outOf[node] }
}

/// A stage of the plan, half a kilobyte, as closures hold it that a large graph has thousands of.
final class SharedNode: Sendable {
  let node: PlanNode

  init(_ node: PlanNode) { self.node = node }
}

/// What the parts of a graph report to.
protocol GraphSupervisor: AnyObject, Sendable {
  /// One more part must end before the graph has ended.
  func partAdded()
  /// A stage has failed for good. Told before those who wait for it learn that nothing more will come.
  func partFailed(_ place: StagePlace, _ error: any Error)
  /// Whether a stage has.
  var hasFailed: Bool { get }
  /// When the graph is over at the latest.
  var end: GraphEnd { get }
  /// The files the graph uses.
  var files: FileConflicts { get }
  /// A part has ended; `endsSink` says whether one sink fewer is left with it.
  func partEnded(endsSink: Bool)
  /// Has an asynchronous part begin. It ends when `over`, which `body` is given, is called; what `body` returns ends it before its
  /// time.
  func begin(
    _ body:
      @escaping @Sendable (_ over: @escaping @Sendable () -> Void) async -> @Sendable () -> Void)
  /// A recogniser has emitted an event.
  func counted(_ event: Event)
}
