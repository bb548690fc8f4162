// The Mantine theme: one brand colour, four sizes, two weights, radius 12 for surfaces and 8 for controls.
import { createTheme, type MantineColorsTuple } from "@mantine/core";
import { locale, t } from "../i18n.ts";

const leaf: MantineColorsTuple = [
  "#ecf6f0",
  "#d9ecdf",
  "#b1d9bf",
  "#86c59d",
  "#62b480",
  "#4ba96d",
  "#3c8f5b",
  "#2a7547",
  "#22603a",
  "#194b2d",
];

/** The kit's dark greys, in the tint of our own dark surfaces. */
const dark: MantineColorsTuple = [
  "#d5dad7",
  "#b9c0bb",
  "#8a938d",
  "#69726c",
  "#434b46",
  "#363d38",
  "#232925",
  "#191d1a",
  "#141815",
  "#0c0f0d",
];

/** As the page's language writes numbers everywhere else. */
const decimalSeparator =
  new Intl.NumberFormat(locale).formatToParts(0.5).find(({ type }) => type === "decimal")?.value ?? ".";

/** A dialog's head is no banner: beside the shell's own header it would be a second one. */
const attributes = { header: { role: "presentation" } };

export const theme = createTheme({
  primaryColor: "leaf",
  primaryShade: { light: 7, dark: 7 },
  colors: { leaf, dark },
  fontFamily:
    '"Inter Variable", system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, monospace',
  fontSizes: { xs: "12px", sm: "14px", md: "14px", lg: "20px", xl: "26px" },
  defaultRadius: 8,
  radius: { md: "8px", lg: "12px" },
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: "sm", fw: 600 } },
    Modal: {
      defaultProps: {
        radius: 12,
        centered: true,
        closeButtonProps: { "aria-label": t("Close") },
        attributes,
      },
    },
    Drawer: { defaultProps: { closeButtonProps: { "aria-label": t("Close") }, attributes } },
    PasswordInput: {
      defaultProps: {
        visibilityToggleFocusable: true,
        visibilityToggleButtonProps: { "aria-label": t("Show or hide the password") },
      },
    },
    NumberInput: { defaultProps: { decimalSeparator, allowedDecimalSeparators: [".", ","] } },
    Notification: { defaultProps: { closeButtonProps: { "aria-label": t("Close") } } },
  },
});
