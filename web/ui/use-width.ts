// The width of an element, known before the first paint, so that what depends on it never jumps.
import { type RefCallback, useCallback, useRef, useState } from "react";

/** A ref for the element and its inner width in pixels; 0 until it is mounted. */
export function useWidth(): [RefCallback<HTMLElement>, number] {
  const [width, setWidth] = useState(0);
  const observer = useRef<ResizeObserver | null>(null);
  const ref = useCallback((element: HTMLElement | null) => {
    observer.current?.disconnect();
    if (!element) return;
    // Refs are set in the commit: this state is applied before the browser paints.
    setWidth(element.clientWidth);
    observer.current = new ResizeObserver(
      ([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)),
    );
    observer.current.observe(element);
  }, []);
  return [ref, width];
}
