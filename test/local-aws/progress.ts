/** Says what is going on: a line per step with the time since the start, and signs of life during long ones. */
export class Progress {
  readonly #startedAt = performance.now();
  readonly #write: (line: string) => void;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /** Announces a step, does it, and lets a failure pass. */
  async step<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.say(what);
    return await work();
  }

  /** Writes a line with the elapsed time. */
  say(what: string): void {
    this.#write(`[${formatElapsed(performance.now() - this.#startedAt)}] ${what}`);
  }

  /**
   * Watches cargo's output during a step and, while it compiles, tells every 15 seconds how far it is: the AWS SDK
   * takes minutes, and silence looks like a hang.
   */
  async compiling<T>(what: string, work: (onLine: (line: string) => void) => Promise<T>): Promise<T> {
    const begun: string[] = [];
    let told = 0;
    const onLine = (line: string): void => {
      const crate = /^\s*Compiling (\S+)/.exec(line)?.[1];
      if (crate) begun.push(crate);
      if (line.includes('Blocking waiting for file lock')) this.say('  waiting for another cargo to finish');
    };
    this.say(what);
    const timer = setInterval(() => {
      if (begun.length === 0) return;
      const hint = begun.includes('aws-sdk-ec2') ? '; aws-sdk-ec2 alone takes minutes' : '';
      const activity = begun.length === told ? 'still compiling' : `compiling ${begun.at(-1) ?? ''}`;
      this.say(`  ${activity} (${begun.length} crates begun${hint})`);
      told = begun.length;
    }, 15_000);
    try {
      return await work(onLine);
    } finally {
      clearInterval(timer);
    }
  }
}

/** Minutes and seconds. */
export function formatElapsed(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}`;
}
