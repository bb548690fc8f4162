// Starts the UI: fonts and styles, theme, router.
import "@fontsource-variable/inter/index.css";
import "@mantine/core/styles.css";
import "@mantine/dropzone/styles.css";
import "@mantine/notifications/styles.css";
import "@mantine/spotlight/styles.css";
import "./ui/theme.css";
import "./shell/shell.css";
import "./map/map.css";
import "./chat/chat.css";
import "uplot/dist/uPlot.min.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { RouterProvider } from "@tanstack/react-router";
import { createRoot } from "react-dom/client";
import { router } from "./router.tsx";
import { theme } from "./ui/theme.ts";

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <Notifications position="bottom-right" />
      <RouterProvider router={router} />
    </MantineProvider>,
  );
