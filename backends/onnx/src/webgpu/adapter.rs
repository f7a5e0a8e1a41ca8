//! What Vulkan says of the machine's adapters.

/// A GPU, or software in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Adapter {
    /// As its driver calls it.
    pub(crate) name: String,
    pub(crate) is_software: bool,
    /// Whether shaders can compute in 16-bit floats.
    pub(crate) has_f16: bool,
    /// Of its own memory; 0 if unknown.
    pub(crate) memory_bytes: u64,
}

/// Apple's machines have one adapter, and Metal computes in 16 bits on all of them. Never run.
///
/// # Errors
/// None.
#[cfg(target_os = "macos")]
pub(super) fn find() -> Result<Adapter, String> {
    Ok(Adapter {
        name: "Apple GPU".to_owned(),
        is_software: false,
        has_f16: true,
        memory_bytes: 0,
    })
}

/// The adapter that is taken first. On Windows the plugin uses Direct3D 12, which has the same adapters; never run there.
///
/// # Errors
/// Why there is none, and what to install.
#[cfg(not(target_os = "macos"))]
pub(super) fn find() -> Result<Adapter, String> {
    vulkan::adapters()?
        .into_iter()
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, adapter)| adapter)
        .ok_or_else(|| {
            "Vulkan finds no adapter: install the driver of your GPU with its Vulkan part"
                .to_owned()
        })
}

#[cfg(not(target_os = "macos"))]
#[expect(unsafe_code, reason = "Vulkan is a C interface")]
mod vulkan {
    use ash::vk;

    use super::Adapter;

    /// Each with its place in the plugin's preference.
    pub(super) fn adapters() -> Result<Vec<(u8, Adapter)>, String> {
        // SAFETY: the system's Vulkan loader, which is meant to be opened by any program.
        let entry = unsafe { ash::Entry::load() }.map_err(|error| {
            format!("the Vulkan loader (libvulkan1, vulkan-loader) is not installed: {error}")
        })?;
        let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_2);
        let request = vk::InstanceCreateInfo::default().application_info(&application);
        // SAFETY: `request` and what it points to live until the call returns.
        let instance = unsafe { entry.create_instance(&request, None) }
            .map_err(|error| format!("Vulkan finds no driver: {error}"))?;
        // SAFETY: the instance is alive.
        let devices = unsafe { instance.enumerate_physical_devices() };
        let adapters = devices
            .map_err(|error| format!("Vulkan cannot list its adapters: {error}"))
            .map(|devices| {
                let each = devices.into_iter().map(|device| adapter(&instance, device));
                each.collect()
            });
        // SAFETY: nothing of the instance is in use any more.
        unsafe { instance.destroy_instance(None) };
        adapters
    }

    fn adapter(instance: &ash::Instance, device: vk::PhysicalDevice) -> (u8, Adapter) {
        // SAFETY: `device` is of the instance, which is alive.
        let (properties, memory) = unsafe {
            (
                instance.get_physical_device_properties(device),
                instance.get_physical_device_memory_properties(device),
            )
        };
        let rank = match properties.device_type {
            vk::PhysicalDeviceType::DISCRETE_GPU => 0,
            vk::PhysicalDeviceType::INTEGRATED_GPU => 1,
            vk::PhysicalDeviceType::VIRTUAL_GPU => 2,
            _ => 3,
        };
        let heaps = &memory.memory_heaps[..memory.memory_heap_count as usize];
        let own = |heap: &&vk::MemoryHeap| heap.flags.contains(vk::MemoryHeapFlags::DEVICE_LOCAL);
        let name = properties.device_name_as_c_str().unwrap_or(c"unnamed");
        let adapter = Adapter {
            name: name.to_string_lossy().into_owned(),
            is_software: properties.device_type == vk::PhysicalDeviceType::CPU,
            has_f16: has_f16(instance, device, properties.api_version),
            memory_bytes: heaps.iter().filter(own).map(|heap| heap.size).sum(),
        };
        (rank, adapter)
    }

    /// What WebGPU's `shader-f16` asks of Vulkan.
    fn has_f16(instance: &ash::Instance, device: vk::PhysicalDevice, version: u32) -> bool {
        if version < vk::API_VERSION_1_2 {
            return false;
        }
        let mut storage = vk::PhysicalDeviceVulkan11Features::default();
        let mut arithmetic = vk::PhysicalDeviceVulkan12Features::default();
        let mut features = vk::PhysicalDeviceFeatures2::default()
            .push_next(&mut storage)
            .push_next(&mut arithmetic);
        // SAFETY: `device` is of the instance, which is alive; the structures are those of its version.
        unsafe { instance.get_physical_device_features2(device, &mut features) };
        arithmetic.shader_float16 == vk::TRUE
            && storage.storage_buffer16_bit_access == vk::TRUE
            && storage.uniform_and_storage_buffer16_bit_access == vk::TRUE
    }
}
