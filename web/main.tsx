// Starts the UI: fonts and styles, theme, router.
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { RouterProvider } from "@tanstack/react-router";
import { createRoot } from "react-dom/client";
import { beginPage, router } from "./router.tsx";
import { theme } from "./ui/theme.ts";

// First, because drawing the frame keeps the thread from asking for anything for a while.
beginPage();
setTimeout(draw);

function draw(): void {
  const root = document.getElementById("root");
  if (root)
    createRoot(root).render(
      <MantineProvider theme={theme} defaultColorScheme="auto">
        <Notifications position="bottom-right" />
        <RouterProvider router={router} />
      </MantineProvider>,
    );
}
