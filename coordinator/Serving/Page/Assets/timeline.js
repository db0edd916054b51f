// The newest steps as blocks: a row for each stage, a colour for each microbatch.
const HUES = [210, 150, 30, 280, 0, 180, 60, 320];

export class Timeline {
  constructor(canvas) {
    this.canvas = canvas;
    this.isHeld = false;
    this.steps = [];
    this.stages = 0;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  show(steps, stages) {
    if (!this.isHeld && steps.length > 0) {
      this.steps = steps;
      this.stages = stages;
      this.draw();
    }
  }

  draw() {
    const ratio = devicePixelRatio || 1;
    const { width, height } = this.canvas.getBoundingClientRect();
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--soft");
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = ink;
    if (this.steps.length === 0 || this.stages === 0) {
      context.fillText("no steps yet", 8, 16);
      return;
    }
    const left = 20;
    const bottom = 16;
    const oldest = Math.max(...this.steps.map((step) => step[4]));
    const newest = Math.min(...this.steps.map((step) => step[6]));
    const span = Math.max(1, oldest - newest);
    const row = (height - bottom) / this.stages;
    const x = (before) => left + (width - left) * (oldest - before) / span;
    for (const [stage, microbatch, tokens, sequences, start, end, sent] of this.steps) {
      const top = stage * row + 2;
      const hue = HUES[microbatch % HUES.length];
      const wide = Math.max(1, x(end) - x(start));
      context.fillStyle = `hsl(${hue} 65% 48%)`;
      context.fillRect(x(start), top, wide, row - 4);
      if (tokens > sequences) {
        this.hatch(context, x(start), top, wide, row - 4);
      }
      context.fillStyle = `hsl(${hue} 65% 48% / 0.35)`;
      context.fillRect(x(end), top + row / 3, Math.max(0, x(sent) - x(end)), row / 3 - 4);
    }
    context.fillStyle = ink;
    for (let stage = 0; stage < this.stages; stage++) {
      context.fillText(String(stage), 6, (stage + 0.5) * row + 4);
    }
    context.fillText(`${format(span)} before the newest`, left, height - 4);
    const right = "newest";
    context.fillText(right, width - context.measureText(right).width - 4, height - 4);
  }

  hatch(context, left, top, width, height) {
    context.save();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    context.strokeStyle = "rgb(255 255 255 / 0.55)";
    context.lineWidth = 1.5;
    for (let at = left - height; at < left + width; at += 6) {
      context.beginPath();
      context.moveTo(at, top + height);
      context.lineTo(at + height, top);
      context.stroke();
    }
    context.restore();
  }
}

function format(microseconds) {
  return microseconds >= 1e6 ? `${(microseconds / 1e6).toFixed(1)} s` : `${(microseconds / 1e3).toFixed(1)} ms`;
}
