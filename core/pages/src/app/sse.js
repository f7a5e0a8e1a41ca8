// Server-sent events out of the bytes of a body, however they were cut. Pure.

/** The longest event that is taken, in characters. */
const LONGEST = 1 << 20;

export class SseReader {
  constructor() {
    this.decoder = new TextDecoder();
    this.rest = "";
    this.data = [];
  }

  /** The data of each event that these bytes end. @param {Uint8Array} bytes @returns {string[]} */
  push(bytes) {
    this.rest += this.decoder.decode(bytes, { stream: true });
    if (this.rest.length > LONGEST) throw new Error("the server sent an event that is too long");
    const whole = [];
    for (;;) {
      const end = this.rest.search(/[\r\n]/);
      // A CR at the very end may be half of a CRLF.
      if (end < 0 || (this.rest[end] === "\r" && end + 1 === this.rest.length)) return whole;
      const line = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + (this.rest.startsWith("\r\n", end) ? 2 : 1));
      if (line === "") {
        if (this.data.length) whole.push(this.data.join("\n"));
        this.data = [];
      } else if (line.startsWith("data:")) this.data.push(line.slice(line[5] === " " ? 6 : 5));
    }
  }
}
