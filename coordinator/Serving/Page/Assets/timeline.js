// The steps of the last seconds as blocks: a row for each stage, a colour for each microbatch. A block of several short steps is
// as pale as the stage was idle in it, and grey if they are of several microbatches.
const SPAN = 4e6;
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
    if (!this.isHeld) {
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
    if (this.stages === 0) {
      context.fillText("no steps yet", 8, 16);
      return;
    }
    const left = 20;
    const bottom = 16;
    const row = (height - bottom) / this.stages;
    const x = (before) => left + (width - left) * Math.max(0, 1 - before / SPAN);
    for (const [stage, microbatch, tokens, sequences, start, end, sent, busy] of this.steps) {
      const top = stage * row + 2;
      const colour = microbatch < 0 ? "210 12% 48%" : `${HUES[microbatch % HUES.length]} 65% 48%`;
      const wide = Math.max(1, x(end) - x(start));
      context.fillStyle = `hsl(${colour} / ${Math.max(0.15, Math.min(1, busy / Math.max(1, start - end)))})`;
      context.fillRect(x(start), top, wide, row - 4);
      if (tokens > sequences) {
        this.hatch(context, x(start), top, wide, row - 4);
      }
      context.fillStyle = `hsl(${colour} / 0.35)`;
      context.fillRect(x(end), top + row / 3, Math.max(0, x(sent) - x(end)), row / 3 - 4);
    }
    context.fillStyle = ink;
    for (let stage = 0; stage < this.stages; stage++) {
      context.fillText(String(stage), 6, (stage + 0.5) * row + 4);
    }
    context.fillText(`${SPAN / 1e6} s ago`, left, height - 4);
    const right = "now";
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
