/** The little of u8-mqtt that signalling.ts uses; the package brings no types. */
declare module 'u8-mqtt/esm/basic-v4.js' {
  export interface ConnectPacket {
    readonly client_id: string
    /** Clean Session (MQTT 3.1.1, 3.1.2.4). */
    readonly flags: { readonly clean_start: true }
    /** Seconds. */
    readonly keep_alive: number
    readonly will: {
      readonly topic: string
      readonly payload: Uint8Array
      readonly qos: 0 | 1
      readonly retain: false
    }
  }
  export interface MqttClient {
    readonly conn: {
      setup(
        gate: Promise<unknown>,
        send: (bytes: Uint8Array) => void,
        receive: (onChunk: (bytes: Uint8Array) => void) => void,
      ): Promise<void>
      abort(error: Error): void
    }
    connect(packet: ConnectPacket): Promise<unknown>
    /** Each answer is a return code of SUBACK (MQTT 3.1.1, 3.9.3); undefined when none came in time. */
    subscribe(
      topics: readonly string[],
    ): Promise<readonly [{ readonly answers: readonly unknown[] } | undefined]>
    /** QoS 1 (in 0.6.7 `post`, its QoS 0, throws). Sends within the call. */
    send(topic: string, payload: Uint8Array): Promise<unknown>
    ping(): Promise<unknown>
    disconnect(): Promise<unknown>
  }
  export function mqtt_v4(options: {
    /** 0: no pings of its own. */
    readonly keep_alive: 0
    readonly sess_stg: null
    readonly on_mqtt_type: {
      mqtt_publish(packet: { readonly topic: string; readonly payload: Uint8Array | undefined }): void
    }
    readonly on_live: () => void
    readonly log_conn: () => void
    readonly on_error: () => void
  }): MqttClient
}
