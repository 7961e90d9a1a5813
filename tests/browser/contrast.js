// Those of `texts`, as texts.js has them, whose contrast with what lies behind is below `least`: {text, at, ratio, color, behind}.
// `picture` is the page without its text. Behind a text may be more than one colour: every one that makes up a tenth of
// its box counts, and the worst decides.
async ({ picture, texts, least }) => {
  const bytes = Uint8Array.from(atob(picture), (one) => one.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  canvas.drawImage(bitmap, 0, 0);

  const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) => 0.2126 * linear(red / 255) + 0.7152 * linear(green / 255) + 0.0722 * linear(blue / 255);
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };

  const behind = ({ left, top, right, bottom }) => {
    const [x, y] = [Math.max(0, Math.floor(left)), Math.max(0, Math.floor(top))];
    const [width, height] = [Math.min(bitmap.width, Math.ceil(right)) - x, Math.min(bitmap.height, Math.ceil(bottom)) - y];
    if (width < 1 || height < 1) return [];
    const { data } = canvas.getImageData(x, y, width, height);
    const alike = new Map();
    let last = -1;
    let group = null;
    for (let at = 0; at < data.length; at += 4) {
      const key = ((data[at] >> 3) << 10) | ((data[at + 1] >> 3) << 5) | (data[at + 2] >> 3);
      if (key !== last) {  // neighbours are mostly alike
        last = key;
        group = alike.get(key) ?? alike.set(key, { count: 0, sum: [0, 0, 0] }).get(key);
      }
      group.count += 1;
      group.sum[0] += data[at];
      group.sum[1] += data[at + 1];
      group.sum[2] += data[at + 2];
    }
    const groups = [...alike.values()].sort((a, b) => b.count - a.count);
    return groups.filter(({ count }, place) => place === 0 || count >= (width * height) / 10).map(({ count, sum }) => sum.map((one) => one / count));
  };

  const faults = [];
  for (const { text, at, color, alpha, boxes } of JSON.parse(texts)) {
    let worst = null;
    for (const back of boxes.flatMap(behind)) {
      const seen = color.map((one, part) => alpha * one + (1 - alpha) * back[part]);
      const ratio = contrast(seen, back);
      if (worst === null || ratio < worst.ratio) worst = { text, at, ratio, color: seen.map(Math.round), behind: back.map(Math.round) };
    }
    if (worst && worst.ratio < least) faults.push(worst);
  }
  return faults;
}
